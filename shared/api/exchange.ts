// One HTTP request and its answer, whole or as it comes. On node:http because fetch cannot send a body with GET, which the API takes.
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

/** An answer whose body is still to come: to be read in one of the two ways, or closed. */
export interface Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** All of it, within the call's deadline and size. Rejects with ConnectionError. */
  bytes(): Promise<Buffer>;
  /** As it comes, without deadline and size. Throws ConnectionError. */
  stream(): AsyncGenerator<Buffer>;
  /** Lets go of what has not been read. */
  close(): void;
}

/** Rejects with ConnectionError and nothing else. */
export async function exchange(call: Call): Promise<Answer> {
  const response = await request(call);
  const { status, headers } = response;
  return { status, headers, body: await response.bytes() };
}

/** Resolves with the head of the answer. Rejects with ConnectionError and nothing else. */
export async function request(call: Call): Promise<Response> {
  const { request: open } =
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
    const sent = open(call.base, { method, path, headers, agent: false, ...aborting });
    const deadline = setTimeout(
      () => sent.destroy(new Error(`no answer within ${call.deadline_ms / 1000} s`)),
      call.deadline_ms,
    );
    sent.once("close", () => clearTimeout(deadline));
    limitConnecting(sent, call.connect_ms);
    sent.on("error", (error) => reject(wrap(call, error)));
    sent.on("response", (response) => resolve(asResponse(call, response, deadline)));
    sent.end(call.body);
  });
}

function asResponse(call: Call, response: IncomingMessage, deadline: NodeJS.Timeout): Response {
  // An error between two reads is seen by the next read; without a listener it would end the process.
  response.on("error", () => {});
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    bytes: () =>
      collect(response, call.max_bytes).catch((error: Error) => {
        throw wrap(call, error);
      }),
    async *stream() {
      clearTimeout(deadline);
      try {
        yield* response as AsyncIterable<Buffer>;
      } catch (error) {
        throw wrap(call, error as Error);
      }
    },
    close: () => void response.destroy(),
  };
}

const wrap = (call: Call, error: Error): ConnectionError =>
  new ConnectionError(`${call.base.origin}: ${wordsOf(error)}`, error);

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

async function collect(response: IncomingMessage, max_bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > max_bytes) throw new Error(`answer is larger than ${max_bytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** With several addresses for a name Node throws an AggregateError, whose own message is empty. */
function wordsOf(error: Error): string {
  if (error.message !== "") return error.message;
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return inner instanceof Error ? inner.message : error.name;
}
