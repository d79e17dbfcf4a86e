// An internet in memory: hosts that exist are those something was served on.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { CloudError } from "../../errors.ts";
import { addressPolicy } from "./addresses.ts";
import { follow, hostOf, portOf, showUrl } from "./follow.ts";
import { refusal } from "./guard.ts";
import type { Algorithm, Digests, DownloadOptions, Http, HttpResponse } from "./http.ts";
import { isTheRest, pointOf, rangeHeaders } from "./resume.ts";

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

interface Limits {
  timeout_ms: number;
  idle_ms: number;
  signal?: AbortSignal | undefined;
}

/** Literal internal addresses are refused as the real client does, except those that `allow` lists. */
export function openFakeHttp(allow: readonly string[] = []): FakeHttp {
  const isAllowed = addressPolicy(allow);
  const served = new Map<string, FakeAnswer | ((request: FakeRequest) => FakeAnswer)>();
  const requests: FakeRequest[] = [];

  function answer(request: FakeRequest): Answer {
    const target = new URL(request.url);
    const host = hostOf(target);
    if (isIP(host) !== 0 && !isAllowed({ host, port: portOf(target), address: host }, []))
      throw refusal(host, [host]);
    if (![...served.keys()].some((url) => hostOf(new URL(url)) === host))
      throw new CloudError("unreachable", `${showUrl(request.url)}: Name or service not known`, {
        detail: { lasting: true },
      });
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

  async function exchange(
    method: "HEAD" | "GET",
    url: string,
    headers: Readonly<Record<string, string>>,
    limits: Limits,
  ): Promise<Answer> {
    return follow(
      url,
      async (target) => {
        const request = { method, url: target.href, headers };
        requests.push(request);
        const found = answer(request);
        if (found.fault === "mute") await beSilent(url, limits);
        if (limits.signal?.aborted) throw new CloudError("unreachable", `${showUrl(url)}: stopped`);
        return found;
      },
      () => {},
    );
  }

  const http: FakeHttp = {
    requests,
    serve: (url, found) => void served.set(new URL(url).href, found),
    async head(url, options) {
      const { status, headers } = await exchange(
        "HEAD",
        url,
        {},
        { ...options, idle_ms: options.timeout_ms },
      );
      return { status, headers };
    },
    async download(url, file, options) {
      const there = await readFile(file).catch(() => Buffer.alloc(0));
      const from =
        options.from !== undefined && there.length >= options.from.bytes ? options.from : undefined;
      const answer = await exchange("GET", url, { ...options.headers, ...rangeHeaders(from) }, options);
      const { status, headers, body } = answer;
      const resumed = from !== undefined && isTheRest(answer, from);
      if (status === 416 || (status === 206 && from !== undefined && !resumed))
        return http.download(url, file, { ...options, from: undefined });
      if (status !== 200 && !resumed) return { status, headers, bytes: 0, resumed, digests: {} };
      const content = Buffer.concat([resumed ? there.subarray(0, from.bytes) : Buffer.alloc(0), body]);
      await receive(url, file, options, answer, content);
      const digests = digestsOf(content, options.digests ?? []);
      return { status: 200, headers, bytes: content.length, resumed, digests };
    },
    async digest(file, algorithms, { progress } = {}) {
      const content = await readFile(file);
      progress?.(content.length, content.length);
      return digestsOf(content, algorithms);
    },
  };
  return http;
}

async function receive(
  url: string,
  file: string,
  options: DownloadOptions,
  answer: Answer,
  content: Buffer,
): Promise<void> {
  if (content.length > options.max_bytes)
    throw new CloudError("too_large", `${showUrl(url)}: larger than ${options.max_bytes} bytes`);
  if (answer.fault === "stall") await beSilent(url, options);
  const lost = answer.fault === "cut" ? Math.ceil(answer.body.length / 2) : 0;
  const arrived = content.subarray(0, content.length - lost);
  try {
    await writeFile(file, arrived, { mode: 0o644 });
  } catch (error) {
    throw new CloudError("insufficient", `${showUrl(url)}: no space left to store it`, { cause: error });
  }
  options.progress?.(arrived.length, content.length);
  const resume = pointOf(answer, arrived.length, content.length);
  if (answer.fault === "cut")
    throw new CloudError("unreachable", `${showUrl(url)}: the connection was cut before the end`, {
      detail: { resume },
    });
}

function digestsOf(content: Buffer, algorithms: readonly Algorithm[]): Digests {
  return Object.fromEntries(algorithms.map((it) => [it, createHash(it).update(content).digest("hex")]));
}

async function beSilent(url: string, { timeout_ms, idle_ms, signal }: Limits): Promise<never> {
  await sleep(Math.min(timeout_ms, idle_ms), undefined, signal === undefined ? {} : { signal }).catch(
    () => {},
  );
  throw new CloudError("unreachable", `${showUrl(url)}: ${signal?.aborted ? "stopped" : "nothing arrived"}`);
}
