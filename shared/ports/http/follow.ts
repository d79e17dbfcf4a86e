// Redirects, one rule for the real client and the fake: at most five, each target an http(s) URL like the first.
import { CloudError } from "../../errors.ts";

const MAX_REDIRECTS = 5;
/** Of a URL that a server made up, in an error. */
const SHOWN = 100;
const redirects = new Set([301, 302, 303, 307, 308]);

/** Sends to the URL and on to where its answers point; `drop` ends an answer that is only a pointer. */
export async function follow<T extends { status: number; headers: Readonly<Record<string, string>> }>(
  url: string,
  send: (url: URL) => Promise<T>,
  drop: (answer: T) => void,
): Promise<T> {
  let target = parseHttpUrl(url);
  for (let count = 0; ; count++) {
    const answer = await send(target);
    const { location } = answer.headers;
    if (!redirects.has(answer.status) || location === undefined) return answer;
    drop(answer);
    if (count === MAX_REDIRECTS)
      throw new CloudError("unreachable", `${showUrl(url)}: more than ${MAX_REDIRECTS} redirects`, {
        detail: { lasting: true },
      });
    target = parseHttpUrl(location, target);
  }
}

/** Rejects with CloudError "malformed" what is not an http(s) URL. */
export function parseHttpUrl(text: string, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
    throw new CloudError("malformed", `'${shown}': not an http or https URL`);
  }
  return url;
}

/** The host without the brackets of an IPv6 address. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, "");

export const portOf = (url: URL): number => Number(url.port) || (url.protocol === "https:" ? 443 : 80);

/** The URL without what may be secret in it: user, password, query. */
export function showUrl(url: string | URL): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
