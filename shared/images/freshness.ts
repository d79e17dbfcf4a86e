// Whether the copy at hand is still what its server offers, told by headers alone.
import { CloudError, isKind } from "../errors.ts";
import type { HttpResponse } from "../ports/http/http.ts";
import type { ImageRecord, Offer } from "./record.ts";
import type { ImageTools } from "./tools.ts";

const HEAD_MS = 10_000;

/** `unknown`: the server does not answer HEAD; only a conditional GET can tell. */
export type Freshness =
  | { is: "fresh" }
  | { is: "changed"; how: string }
  | { is: "unknown" }
  | { is: "unreachable"; why: string };

/** Rejects with CloudError "unreachable" when the server says that it does not have the image any more. */
export async function checkFreshness(
  tools: Pick<ImageTools, "http">,
  image: Offer,
  signal?: AbortSignal,
): Promise<Freshness> {
  const answer = await head(tools, image.url, signal);
  if ("why" in answer) return { is: "unreachable", why: answer.why };
  const { status, headers } = answer;
  if (status === 200) return compareHeaders(image, headers);
  if ([400, 403, 405, 501].includes(status)) return { is: hasValidator(image) ? "unknown" : "fresh" };
  if (status >= 500 || status === 429) return { is: "unreachable", why: `the server answered ${status}` };
  throw new CloudError("unreachable", `Failed to fetch HEAD of ${image.url} (status code ${status})`);
}

/** Headers of a GET that is answered with 304 when nothing has changed. */
export function conditionOf(image: ImageRecord): Record<string, string> {
  return {
    ...(image.etag === null ? {} : { "if-none-match": image.etag }),
    ...(image.modified === null ? {} : { "if-modified-since": image.modified }),
  };
}

const hasValidator = (image: Offer): boolean => image.etag !== null || image.modified !== null;

async function head(
  tools: Pick<ImageTools, "http">,
  url: string,
  signal: AbortSignal | undefined,
): Promise<HttpResponse | { why: string }> {
  try {
    return await tools.http.head(url, { timeout_ms: HEAD_MS, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (!isKind(error, "unreachable") || signal?.aborted === true) throw error;
    return { why: error.message };
  }
}

/** What either side does not tell is not compared; ETags differ between mirrors, so they count only without a date. */
function compareHeaders(image: Offer, headers: HttpResponse["headers"]): Freshness {
  const dated = image.modified !== null && headers["last-modified"] !== undefined;
  const pairs: [string, string | null, string | undefined][] = [
    ["Last-Modified", image.modified, headers["last-modified"]],
    ["Content-Length", String(image.size), headers["content-length"]],
    ["ETag", dated ? null : image.etag, headers.etag],
  ];
  const changes = pairs.filter(([, old, now]) => old !== null && now !== undefined && old !== now);
  if (changes.length === 0) return { is: "fresh" };
  return { is: "changed", how: changes.map(([name, old, now]) => `${name}: ${old} -> ${now}`).join(", ") };
}
