// Fetches over node:http(s). An address is judged where it is connected to, so that no name, redirect or second look-up
// leads past the policy.
import { createHash } from "node:crypto";
import { type LookupAddress, lookup as resolve } from "node:dns";
import { open, rm } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { CloudError, messageOf } from "../../errors.ts";
import { addressPolicy } from "./addresses.ts";
import { follow, hostOf, showUrl } from "./follow.ts";
import type { Download, Http, HttpResponse } from "./http.ts";

interface Limits {
  timeout_ms: number;
  idle_ms: number;
  signal?: AbortSignal;
}

/** One call under way: what stops it, and why it was stopped. */
interface Call {
  readonly limits: Limits;
  readonly deadline: AbortSignal;
  readonly stop: AbortSignal;
  silent: boolean;
}

interface Answer extends HttpResponse {
  readonly body: IncomingMessage;
}

type IsAllowed = (address: string) => boolean;

/** `allowed_networks`: blocks (CIDR) of internal addresses that may be connected to; `user_agent` is sent with each request. */
export function openHttp(options: { allowed_networks: readonly string[]; user_agent: string }): Http {
  const isAllowed = addressPolicy(options.allowed_networks);

  async function exchange<T>(
    method: string,
    url: string,
    headers: Readonly<Record<string, string>>,
    limits: Limits,
    use: (answer: Answer, call: Call) => Promise<T> | T,
  ): Promise<T> {
    const call = startCall(limits);
    const sent = { "accept-encoding": "identity", "user-agent": options.user_agent, ...headers };
    let answer: Answer | undefined;
    try {
      answer = await follow(url, (target) => send(method, target, sent, call, isAllowed), drop);
      return await use(answer, call);
    } catch (error) {
      throw wrap(url, error, call);
    } finally {
      answer?.body.destroy();
    }
  }

  return {
    head: (url, limits) =>
      exchange("HEAD", url, {}, { ...limits, idle_ms: limits.timeout_ms }, ({ status, headers }) => ({
        status,
        headers,
      })),
    download: (url, file, limits) =>
      exchange("GET", url, limits.headers ?? {}, limits, ({ status, headers, body }) =>
        status === 200
          ? save(url, { status, headers }, body, file, limits.max_bytes)
          : { status, headers, bytes: 0, md5: "" },
      ),
  };
}

function startCall(limits: Limits): Call {
  const deadline = AbortSignal.timeout(limits.timeout_ms);
  const stop = limits.signal === undefined ? deadline : AbortSignal.any([deadline, limits.signal]);
  return { limits, deadline, stop, silent: false };
}

function drop(answer: Answer): void {
  answer.body.destroy();
}

function send(
  method: string,
  url: URL,
  headers: Record<string, string>,
  call: Call,
  isAllowed: IsAllowed,
): Promise<Answer> {
  const host = hostOf(url);
  // A literal address is connected to without a look-up.
  if (isIP(host) !== 0 && !isAllowed(host)) throw refusal(host, [host]);
  const start = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = start(url, {
      method,
      headers,
      agent: false,
      lookup: guardedLookup(isAllowed),
      timeout: call.limits.idle_ms,
      signal: call.stop,
    });
    request.on("timeout", () => {
      call.silent = true;
      request.destroy();
    });
    request.on("error", reject);
    request.on("response", (body) => {
      // An error between two reads is seen by the next read; without a listener it would end the process.
      body.on("error", () => {});
      resolve({ status: body.statusCode ?? 0, headers: flatten(body), body });
    });
    request.end();
  });
}

function guardedLookup(isAllowed: IsAllowed): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[] = []) => {
      if (error !== null) return callback(error, "");
      const permitted = addresses.filter(({ address }) => isAllowed(address));
      const [first] = permitted;
      const found = addresses.map(({ address }) => address);
      if (first === undefined) callback(refusal(hostname, found), "");
      else if (options.all) callback(null, permitted);
      else callback(null, first.address, first.family);
    });
  };
}

function refusal(host: string, addresses: readonly string[]): CloudError {
  const where = addresses[0] === host ? "" : ` (${addresses.join(", ")})`;
  return new CloudError(
    "malformed",
    `${host}${where}: an internal address, which is fetched from only if SHAKENFIST_IMAGE_ALLOWED_NETWORKS has it`,
  );
}

function flatten(message: IncomingMessage): Record<string, string> {
  const pairs = Object.entries(message.headers).map(([name, value]) => [name, String(value)] as const);
  return Object.fromEntries(pairs);
}

async function save(
  url: string,
  answer: HttpResponse,
  body: IncomingMessage,
  file: string,
  max_bytes: number,
): Promise<Download> {
  const length = Number(answer.headers["content-length"] ?? Number.NaN);
  if (length > max_bytes) throw tooLarge(url, max_bytes);
  const hash = createHash("md5");
  let bytes = 0;
  const handle = await open(file, "w", 0o644);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > max_bytes) throw tooLarge(url, max_bytes);
      hash.update(chunk);
      await handle.appendFile(chunk);
    }
    if (bytes < length) throw new CloudError("unreachable", `${showUrl(url)}: cut short`);
    await handle.sync();
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  return { ...answer, bytes, md5: hash.digest("hex") };
}

function tooLarge(url: string, max_bytes: number): CloudError {
  return new CloudError("too_large", `${showUrl(url)}: larger than ${max_bytes} bytes`);
}

// glibc's words: people and tests know them.
const words: Readonly<Record<string, string>> = {
  ENOTFOUND: "Name or service not known",
  EAI_AGAIN: "Temporary failure in name resolution",
  ECONNREFUSED: "Connection refused",
  ECONNRESET: "the connection was cut before the end",
  ETIMEDOUT: "Connection timed out",
  EHOSTUNREACH: "No route to host",
  ENETUNREACH: "Network is unreachable",
};

function wrap(url: string, error: unknown, call: Call): CloudError {
  if (error instanceof CloudError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOSPC" || code === "EDQUOT")
    return new CloudError("insufficient", `${showUrl(url)}: no space left to store it`, { cause: error });
  return new CloudError("unreachable", `${showUrl(url)}: ${reason(error, code, call)}`, { cause: error });
}

function reason(error: unknown, code: string, { limits, deadline, silent }: Call): string {
  if (limits.signal?.aborted) return "stopped";
  if (deadline.aborted) return `took longer than ${limits.timeout_ms / 1000} s`;
  if (silent) return `nothing arrived for ${limits.idle_ms / 1000} s`;
  return words[code] ?? messageOf(error);
}
