// An internet in memory: hosts that exist are those something was served on.
import { createHash } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { CloudError } from "../../errors.ts";
import { addressPolicy } from "./addresses.ts";
import { follow, hostOf, showUrl } from "./follow.ts";
import type { Http, HttpResponse } from "./http.ts";

/** `cut` ends the body half way, `stall` never ends it, `mute` does not even answer. */
export interface FakeAnswer {
  status?: number;
  headers?: Readonly<Record<string, string>>;
  body?: string | Buffer;
  fault?: "cut" | "stall" | "mute";
}

export interface FakeRequest {
  method: "HEAD" | "GET";
  url: string;
  headers: Readonly<Record<string, string>>;
}

export interface FakeHttp extends Http {
  /** Every request that was made, oldest first. */
  readonly requests: FakeRequest[];
  serve(url: string, answer: FakeAnswer | ((request: FakeRequest) => FakeAnswer)): void;
}

interface Answer extends HttpResponse {
  readonly body: Buffer;
  readonly fault?: FakeAnswer["fault"];
}

/** Literal internal addresses are refused as the real client does, except those of `allowed_networks`. */
export function openFakeHttp(allowed_networks: readonly string[] = []): FakeHttp {
  const isAllowed = addressPolicy(allowed_networks);
  const served = new Map<string, FakeAnswer | ((request: FakeRequest) => FakeAnswer)>();
  const requests: FakeRequest[] = [];

  function answer(request: FakeRequest): Answer {
    const host = hostOf(new URL(request.url));
    if (isIP(host) !== 0 && !isAllowed(host))
      throw new CloudError("malformed", `${host}: not in SHAKENFIST_IMAGE_ALLOWED_NETWORKS`);
    if (![...served.keys()].some((url) => hostOf(new URL(url)) === host))
      throw new CloudError("unreachable", `${showUrl(request.url)}: Name or service not known`);
    const found = served.get(request.url) ?? { status: 404 };
    const {
      status = 200,
      headers = {},
      body = "",
      fault,
    } = typeof found === "function" ? found(request) : found;
    const bytes = Buffer.from(body);
    const sent = Object.entries({ "content-length": String(bytes.length), ...headers });
    const lower = Object.fromEntries(sent.map(([name, value]) => [name.toLowerCase(), value]));
    return { status, headers: lower, body: bytes, ...(fault === undefined ? {} : { fault }) };
  }

  async function exchange(method: "HEAD" | "GET", url: string, limits: Limits): Promise<Answer> {
    return follow(
      url,
      async (target) => {
        const request = { method, url: target.href, headers: limits.headers ?? {} };
        requests.push(request);
        const found = answer(request);
        if (found.fault === "mute") await beSilent(url, limits);
        if (limits.signal?.aborted) throw new CloudError("unreachable", `${showUrl(url)}: stopped`);
        return found;
      },
      () => {},
    );
  }

  return {
    requests,
    serve: (url, found) => void served.set(new URL(url).href, found),
    async head(url, options) {
      const { status, headers } = await exchange("HEAD", url, { ...options, idle_ms: options.timeout_ms });
      return { status, headers };
    },
    async download(url, file, options) {
      const { body, fault, ...found } = await exchange("GET", url, options);
      if (found.status !== 200) return { ...found, bytes: 0, md5: "" };
      if (body.length > options.max_bytes) throw new CloudError("too_large", `${showUrl(url)}: too large`);
      if (fault === "stall") await beSilent(url, options);
      if (fault === "cut") throw new CloudError("unreachable", `${showUrl(url)}: cut short`);
      try {
        await writeFile(file, body, { mode: 0o644 });
      } catch (error) {
        await rm(file, { force: true });
        throw new CloudError("insufficient", `${showUrl(url)}: no space left to store it`, { cause: error });
      }
      return { ...found, bytes: body.length, md5: createHash("md5").update(body).digest("hex") };
    },
  };
}

interface Limits {
  timeout_ms: number;
  idle_ms: number;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
}

async function beSilent(url: string, { timeout_ms, idle_ms, signal }: Limits): Promise<never> {
  await sleep(Math.min(timeout_ms, idle_ms), undefined, signal === undefined ? {} : { signal }).catch(
    () => {},
  );
  throw new CloudError("unreachable", `${showUrl(url)}: ${signal?.aborted ? "stopped" : "nothing arrived"}`);
}
