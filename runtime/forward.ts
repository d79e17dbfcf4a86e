// Hands a request on to the node that its object is on: as the caller, who was admitted and found the object here, under a
// pass that is good for this one request. What came with a pass is never handed on again, so no request can go round.
//
// Each node tells the other how far it has seen the store: the one asked knows at least what made this node ask it, and what
// it did is known here before the caller is answered.

import { ConnectionError } from "#shared/api/errors.ts";
import { type Call, type Response, request as send } from "#shared/api/exchange.ts";
import type { Caller, Cloud } from "#shared/cloud.ts";
import { CloudError } from "#shared/errors.ts";
import type { Pass } from "#shared/nodes/passes.ts";
import { type NodeRecord, nodeKey, presenceKey } from "#shared/nodes/record.ts";
import type { Answer } from "./answer.ts";
import type { Read } from "./define.ts";
import type { Request } from "./dispatch.ts";

export const PASS_HEADER = "x-shakenfist-pass";
const REVISION_HEADER = "x-shakenfist-revision";
/** Says that the body comes as it is made, and may take for ever. */
const STREAM_HEADER = "x-shakenfist-stream";
/**
 * The head of an answer is sent with its first byte, and of one without an end that may come hours later: between nodes a byte of
 * our own comes first, so that the node that waits can see its client go.
 */
const MARKED = "marked";
const PASSED_ON = ["Retry-After", "Age", "Content-Range"];
const OF_STREAMS = ["Content-Length", "Accept-Ranges", "Content-Disposition", "ETag"];

const CONNECT_MS = 2000;
const CATCH_UP_MS = 2000;
const MOST_BYTES = 64 * 1024 * 1024;

export type Forward = (cloud: Cloud, node: string, request: Request, caller: Caller) => Promise<Answer>;

/** `ask` is for tests. */
export function openForward(ask: (call: Call) => Promise<Response> = send): Forward {
  return async function forward(cloud, node, request, caller) {
    const base = addressOf(cloud, node);
    const { mirror } = cloud.store;
    const pass = { caller, request_id: request.id, revision: mirror.revision() };
    const watched = watchNode(cloud, node);
    const answer = await watched.during(async () => {
      const response = await ask({
        base,
        method: request.method,
        path: request.path,
        headers: {
          [PASS_HEADER]: cloud.passes.issue(node, request, pass),
          ...(request.range === undefined ? {} : { range: request.range }),
        },
        body: request.body === "" ? undefined : request.body,
        connect_ms: CONNECT_MS,
        deadline_ms: cloud.config.API_TIMEOUT * 1000,
        max_bytes: MOST_BYTES,
        signal: watched.gone,
      });
      await mirror.reached(Number(response.headers[REVISION_HEADER] ?? 0), CATCH_UP_MS);
      return asAnswer(response, watched);
    });
    if (typeof answer.body !== "function") watched.stop();
    return answer;
  };
}

/** The pass of a request that another node has handed on; undefined for a caller's own. Rejects with "unauthenticated". */
export async function acceptPass(cloud: Cloud, request: Request): Promise<Pass | undefined> {
  if (request.pass === undefined) return undefined;
  const pass = cloud.passes.read(request.pass, cloud.node.name, request);
  await cloud.store.mirror.reached(pass.revision, CATCH_UP_MS);
  return pass;
}

/** The answer as the node gets it that handed the request on. */
export function handed(cloud: Cloud, answer: Answer): Answer {
  const headers = { ...answer.headers, [REVISION_HEADER]: String(cloud.store.mirror.revision()) };
  const { body } = answer;
  if (typeof body !== "function") return { ...answer, headers };
  if (answer.headers?.["Content-Length"] !== undefined)
    return { ...answer, headers: { ...headers, [STREAM_HEADER]: "whole" } };
  return { ...answer, headers: { ...headers, [STREAM_HEADER]: MARKED }, body: afterMark(body) };
}

const afterMark = (read: Read): Read =>
  async function* marked(signal) {
    yield Buffer.alloc(1);
    yield* read(signal);
  };

async function* withoutMark(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let mark = 1;
  for await (const chunk of bytes) {
    if (chunk.length > mark) yield chunk.subarray(mark);
    mark = 0;
  }
}

function addressOf(cloud: Cloud, node: string): URL {
  const record = cloud.store.mirror.get<NodeRecord>(nodeKey(node))?.value;
  if (record === undefined || !isThere(cloud, node)) throw away(node);
  return new URL(`http://${record.ip}:${cloud.config.API_PORT}`);
}

const isThere = (cloud: Cloud, node: string): boolean =>
  cloud.store.mirror.get(presenceKey(node)) !== undefined;

const away = (node: string): CloudError =>
  new CloudError("unavailable", `node ${node}: holds the object and is away`);

interface Watched {
  /** Aborts when the node loses its lease, as one that hangs does: nobody waits for it any longer than that. */
  readonly gone: AbortSignal;
  /** Says what became of the node when the work fails; the watch ends with it. */
  during<T>(work: () => Promise<T>): Promise<T>;
  stop(): void;
}

function watchNode(cloud: Cloud, node: string): Watched {
  const gone = new AbortController();
  const stop = cloud.store.mirror.watch(presenceKey(node), () => {
    if (!isThere(cloud, node)) gone.abort();
  });
  return {
    gone: gone.signal,
    stop,
    async during(work) {
      try {
        return await work();
      } catch (error) {
        stop();
        if (gone.signal.aborted) throw away(node);
        if (!(error instanceof ConnectionError)) throw error;
        const words = `node ${node}: holds the object and did not answer: ${error.message}`;
        throw new CloudError("unavailable", words, { cause: error });
      }
    },
  };
}

async function asAnswer(response: Response, watched: Watched): Promise<Answer> {
  const { status, headers } = response;
  const streams = headers[STREAM_HEADER] !== undefined;
  const kept = [...PASSED_ON, ...(streams ? OF_STREAMS : [])].flatMap((name) => {
    const value = headers[name.toLowerCase()];
    return typeof value === "string" ? [[name, value]] : [];
  });
  const body = streams ? readOn(response, watched) : await response.bytes();
  return { status, type: headers["content-type"] ?? "", body, headers: Object.fromEntries(kept) };
}

/** The other node's answer is let go of also when nobody begins to read it. */
const readOn =
  (response: Response, watched: Watched): Read =>
  (signal) => {
    function letGo(): void {
      watched.stop();
      response.close();
    }
    if (signal.aborted) letGo();
    signal.addEventListener("abort", letGo, { once: true });
    async function* read(): AsyncGenerator<Uint8Array> {
      try {
        const isMarked = response.headers[STREAM_HEADER] === MARKED;
        yield* isMarked ? withoutMark(response.stream()) : response.stream();
      } finally {
        signal.removeEventListener("abort", letGo);
        letGo();
      }
    }
    return read();
  };
