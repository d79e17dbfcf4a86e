// Hands a request on to the node that its object is on: as the caller, who was admitted and found the object here, under a
// pass that is good for this one request. What came with a pass is never handed on again, so no request can go round.
//
// Each node tells the other how far it has seen the store: the one asked knows at least what made this node ask it, and what
// it did is known here before the caller is answered.

import { ConnectionError } from "#shared/api/errors.ts";
import { type Answer as Answered, type Call, exchange } from "#shared/api/exchange.ts";
import type { Caller, Cloud } from "#shared/cloud.ts";
import { CloudError } from "#shared/errors.ts";
import type { Pass } from "#shared/nodes/passes.ts";
import { type NodeRecord, nodeKey, presenceKey } from "#shared/nodes/record.ts";
import type { Answer } from "./answer.ts";
import type { Request } from "./dispatch.ts";

export const PASS_HEADER = "x-shakenfist-pass";
const REVISION_HEADER = "x-shakenfist-revision";
const PASSED_ON = { "retry-after": "Retry-After", age: "Age" };

const CONNECT_MS = 2000;
const CATCH_UP_MS = 2000;
const MOST_BYTES = 64 * 1024 * 1024;

export type Forward = (cloud: Cloud, node: string, request: Request, caller: Caller) => Promise<Answer>;

/** `send` is for tests. */
export function openForward(send: (call: Call) => Promise<Answered> = exchange): Forward {
  return async function forward(cloud, node, request, caller) {
    const base = addressOf(cloud, node);
    const { mirror } = cloud.store;
    const pass = { caller, request_id: request.id, revision: mirror.revision() };
    const answered = await whileThere(cloud, node, (signal) =>
      send({
        base,
        method: request.method,
        path: request.path,
        headers: { [PASS_HEADER]: cloud.passes.issue(node, request, pass) },
        body: request.body === "" ? undefined : request.body,
        connect_ms: CONNECT_MS,
        deadline_ms: cloud.config.API_TIMEOUT * 1000,
        max_bytes: MOST_BYTES,
        signal,
      }),
    );
    await mirror.reached(Number(answered.headers[REVISION_HEADER] ?? 0), CATCH_UP_MS);
    return asAnswer(answered);
  };
}

/** The pass of a request that another node has handed on; undefined for a caller's own. Rejects with "unauthenticated". */
export async function acceptPass(cloud: Cloud, request: Request): Promise<Pass | undefined> {
  if (request.pass === undefined) return undefined;
  const pass = cloud.passes.read(request.pass, cloud.node.name, request);
  await cloud.store.mirror.reached(pass.revision, CATCH_UP_MS);
  return pass;
}

/** Told to the node that handed the request on. */
export const revisionHeader = (cloud: Cloud): Record<string, string> => ({
  [REVISION_HEADER]: String(cloud.store.mirror.revision()),
});

function addressOf(cloud: Cloud, node: string): URL {
  const record = cloud.store.mirror.get<NodeRecord>(nodeKey(node))?.value;
  if (record === undefined || !isThere(cloud, node)) throw away(node);
  return new URL(`http://${record.ip}:${cloud.config.API_PORT}`);
}

const isThere = (cloud: Cloud, node: string): boolean =>
  cloud.store.mirror.get(presenceKey(node)) !== undefined;

const away = (node: string): CloudError =>
  new CloudError("unavailable", `node ${node}: holds the object and is away`);

/** A node that hangs loses its lease: nobody waits for it any longer than that. */
async function whileThere<T>(
  cloud: Cloud,
  node: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const gone = new AbortController();
  const unwatch = cloud.store.mirror.watch(presenceKey(node), () => {
    if (!isThere(cloud, node)) gone.abort();
  });
  try {
    return await work(gone.signal);
  } catch (error) {
    if (gone.signal.aborted) throw away(node);
    if (!(error instanceof ConnectionError)) throw error;
    const words = `node ${node}: holds the object and did not answer: ${error.message}`;
    throw new CloudError("unavailable", words, { cause: error });
  } finally {
    unwatch();
  }
}

function asAnswer({ status, headers, body }: Answered): Answer {
  const kept = Object.entries(PASSED_ON).flatMap(([name, shown]) => {
    const value = headers[name];
    return typeof value === "string" ? [[shown, value]] : [];
  });
  return { status, type: headers["content-type"] ?? "", body, headers: Object.fromEntries(kept) };
}
