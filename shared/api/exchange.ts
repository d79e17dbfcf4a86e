// One HTTP request and its whole answer. On node:http because fetch cannot send a body with GET, which the API takes.
// http and https are loaded when first needed: a client's start-up counts.
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import { ConnectionError } from "./errors.ts";

export interface Call {
  readonly base: URL;
  readonly method: string;
  /** Encoded, from "/" on; sent as it is, without resolving "..". */
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
  readonly connect_ms: number;
  /** For the whole exchange. */
  readonly deadline_ms: number;
  readonly max_bytes: number;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Rejects with ConnectionError and nothing else. */
export async function exchange(call: Call): Promise<Answer> {
  const { request } =
    call.base.protocol === "https:" ? await import("node:https") : await import("node:http");
  const headers = { ...call.headers };
  if (call.body !== undefined) {
    headers["content-type"] = "application/json";
    headers["content-length"] = String(Buffer.byteLength(call.body));
  }
  return new Promise((resolve, reject) => {
    // A connection of its own: a kept one may be closed by the server just as it is used again.
    const { method, path, signal } = call;
    const aborting = signal === undefined ? {} : { signal };
    const sent = request(call.base, { method, path, headers, agent: false, ...aborting });
    const deadline = setTimeout(
      () => sent.destroy(new Error(`no answer within ${call.deadline_ms / 1000} s`)),
      call.deadline_ms,
    );
    const fail = (error: Error) => {
      clearTimeout(deadline);
      reject(new ConnectionError(`${call.base.origin}: ${wordsOf(error)}`, error));
    };
    const done = (answer: Answer) => {
      clearTimeout(deadline);
      resolve(answer);
    };
    limitConnecting(sent, call.connect_ms);
    sent.on("error", fail);
    sent.on("response", (response) => collect(response, call.max_bytes).then(done, fail));
    sent.end(call.body);
  });
}

function limitConnecting(sent: ClientRequest, connect_ms: number): void {
  sent.once("socket", (socket) => {
    if (!socket.connecting) return;
    const tooLong = new Error(`no connection within ${connect_ms / 1000} s`);
    const timer = setTimeout(() => sent.destroy(tooLong), connect_ms);
    const stop = () => clearTimeout(timer);
    socket.once("connect", stop);
    socket.once("close", stop);
  });
}

async function collect(response: IncomingMessage, max_bytes: number): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > max_bytes) throw new Error(`answer is larger than ${max_bytes} bytes`);
    chunks.push(chunk);
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks),
  };
}

/** With several addresses for a name Node throws an AggregateError, whose own message is empty. */
function wordsOf(error: Error): string {
  if (error.message !== "") return error.message;
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return inner instanceof Error ? inner.message : error.name;
}
