// Fetches over node:http(s), each request on a connection of its own to an address that was judged for it.
import { stat } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { CloudError } from "../../errors.ts";
import { type AddressPolicy, addressPolicy } from "./addresses.ts";
import { type Digester, openDigester } from "./digest.ts";
import { follow, showUrl } from "./follow.ts";
import { guard, type OwnAddresses } from "./guard.ts";
import type { Download, DownloadOptions, Http, HttpResponse, ResumePoint } from "./http.ts";
import { isTheRest, pointOf, rangeHeaders } from "./resume.ts";
import { save } from "./save.ts";
import { isDiskFull, unreachable } from "./words.ts";

interface Limits {
  timeout_ms: number;
  idle_ms: number;
  signal?: AbortSignal | undefined;
}

/** One call under way: what ends it before its time, and where it could go on. */
interface Call {
  readonly limits: Limits;
  readonly stop: AbortSignal;
  end(why: string): void;
  /** Why it was ended. */
  why: string | undefined;
  /** Null once the file is written to, but nothing tells what it is the beginning of. */
  resume: ResumePoint | null | undefined;
}

interface Answer extends HttpResponse {
  readonly body: IncomingMessage;
}

interface Client {
  readonly isAllowed: AddressPolicy;
  readonly own: OwnAddresses;
  readonly headers: Readonly<Record<string, string>>;
  readonly digester: Digester;
}

/**
 * `allow`: internal addresses and names that may be connected to (blocks, addresses, hosts); `own`: those of the cloud
 * itself, internal wherever they lie; `user_agent` is sent with each request.
 */
export function openHttp(options: {
  allow: readonly string[];
  own?: OwnAddresses;
  user_agent: string;
}): Http {
  const client: Client = {
    isAllowed: addressPolicy(options.allow),
    own: options.own ?? (() => []),
    headers: { "accept-encoding": "identity", "user-agent": options.user_agent },
    digester: openDigester(),
  };
  return {
    head: (url, limits) =>
      exchange(client, "HEAD", url, {}, { ...limits, idle_ms: limits.timeout_ms }, ({ status, headers }) => ({
        status,
        headers,
      })),

    download: (url, file, limits) => download(client, url, file, limits),

    async digest(file, algorithms, { progress, signal } = {}) {
      const { size } = await stat(file);
      const following = client.digester.follow(file, algorithms);
      try {
        return await following.finish(size, { signal, progress: (done) => progress?.(done, size) });
      } finally {
        following.close();
      }
    },
  };
}

async function download(
  client: Client,
  url: string,
  file: string,
  limits: DownloadOptions,
): Promise<Download> {
  const from = (await holds(file, limits.from)) ? limits.from : undefined;
  const sent = { ...limits.headers, ...rangeHeaders(from) };
  const done = await exchange(client, "GET", url, sent, limits, async (answer, call) => {
    const { status, headers, body } = answer;
    const isRest = from !== undefined && isTheRest(answer, from);
    if (status === 416 || (status === 206 && from !== undefined && !isRest)) return undefined;
    if (status !== 200 && !isRest) return { status, headers, bytes: 0, resumed: false, digests: {} };
    requirePlain(url, headers);
    const start = isRest ? from.bytes : 0;
    const total = isRest ? from.total : lengthOf(headers);
    const written = (bytes: number) => {
      call.resume = pointOf(answer, bytes, total);
    };
    written(start);
    const saved = await save(body, file, { start, total, limits, digester: client.digester, written });
    return { status: 200, headers, resumed: isRest, ...saved };
  });
  // What is there does not fit what the server has now.
  return done ?? download(client, url, file, { ...limits, from: undefined });
}

async function holds(file: string, from: ResumePoint | undefined): Promise<boolean> {
  if (from === undefined) return false;
  const size = await stat(file).then(
    (it) => it.size,
    () => 0,
  );
  return size >= from.bytes;
}

function lengthOf(headers: HttpResponse["headers"]): number | null {
  const length = headers["content-length"];
  return length === undefined ? null : Number(length);
}

/** Some servers call a compressed file, sent as it lies there, an encoding. Made on the way, its digest is nobody's. */
function requirePlain(url: string, headers: HttpResponse["headers"]): void {
  const encoding = headers["content-encoding"] ?? "identity";
  const isOfFile = /^(x-)?gzip$/i.test(encoding) && /\.t?gz$/i.test(new URL(url).pathname);
  if (/^identity$/i.test(encoding) || isOfFile) return;
  const words = `sent in the Content-Encoding ${encoding}, which was not asked for`;
  throw new CloudError("unreachable", words, { detail: { lasting: true } });
}

async function exchange<T>(
  client: Client,
  method: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  limits: Limits,
  use: (answer: Answer, call: Call) => Promise<T> | T,
): Promise<T> {
  const { call, close } = openCall(limits);
  const sent = { ...client.headers, ...headers };
  let answer: Answer | undefined;
  try {
    answer = await follow(
      url,
      (target) => send(client, method, target, sent, call),
      ({ body }) => body.destroy(),
    );
    return await use(answer, call);
  } catch (error) {
    throw wrap(url, error, call);
  } finally {
    close();
    answer?.body.destroy();
  }
}

function openCall(limits: Limits): { call: Call; close: () => void } {
  const over = new AbortController();
  const call: Call = { limits, stop: over.signal, end, why: undefined, resume: undefined };
  function end(why: string): void {
    call.why ??= why;
    over.abort();
  }
  const stop = () => end("stopped");
  const timer = setTimeout(() => end(`took longer than ${limits.timeout_ms / 1000} s`), limits.timeout_ms);
  if (limits.signal?.aborted) stop();
  limits.signal?.addEventListener("abort", stop, { once: true });
  return {
    call,
    close() {
      clearTimeout(timer);
      limits.signal?.removeEventListener("abort", stop);
    },
  };
}

async function send(
  { isAllowed, own }: Client,
  method: string,
  url: URL,
  headers: Record<string, string>,
  call: Call,
): Promise<Answer> {
  const lookup = await guard(url, isAllowed, own);
  const start = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = start(url, {
      ...{ method, headers, lookup },
      agent: false,
      timeout: call.limits.idle_ms,
      signal: call.stop,
    });
    request.on("timeout", () => call.end(`nothing arrived for ${call.limits.idle_ms / 1000} s`));
    request.on("error", reject);
    request.on("response", (body) => {
      // An error between two reads is seen by the next read; without a listener it would end the process.
      body.on("error", () => {});
      resolve({ status: body.statusCode ?? 0, headers: flatten(body), body });
    });
    request.end();
  });
}

function flatten(message: IncomingMessage): Record<string, string> {
  const pairs = Object.entries(message.headers).map(([name, value]) => [name, String(value)] as const);
  return Object.fromEntries(pairs);
}

function wrap(url: string, error: unknown, { why, resume }: Call): CloudError {
  const subject = urlShown(url);
  const detail = resume === undefined ? {} : { resume };
  if (isDiskFull(error))
    return new CloudError("insufficient", `${subject}: no space left to store it`, { cause: error });
  if (why !== undefined) return new CloudError("unreachable", `${subject}: ${why}`, { cause: error, detail });
  if (!(error instanceof CloudError)) return unreachable(subject, error, detail);
  if (error.kind === "malformed") return error;
  const words = error.message.startsWith(subject) ? error.message : `${subject}: ${error.message}`;
  return new CloudError(error.kind, words, { cause: error, detail: { ...error.detail, ...detail } });
}

const urlShown = (url: string): string => (URL.canParse(url) ? showUrl(url) : url);
