// What is kept of a request: one line in the log, and an id that stands in it, in the answer's header and in the body of an
// error. Never a body, a query or a header: they carry secrets.
import type { Caller, Cloud } from "#shared/cloud.ts";
import { CloudError } from "#shared/errors.ts";
import type { Answer } from "./answer.ts";

const LONGEST_PATH = 500;

export interface Trace {
  /** Of a request that another node has handed on, the one that it has there. */
  request_id: string;
  /** Once it is known. */
  caller: Caller | undefined;
  readonly method: string;
  readonly path: string;
  readonly started: number;
}

export function openTrace({ id, method, path }: { id: string; method: string; path: string }): Trace {
  return { request_id: id, caller: undefined, method, path, started: performance.now() };
}

/** Writes the line; answers the answer with the id. `error` is what the answer hides. */
export function endTrace(cloud: Cloud, trace: Trace, answer: Answer, error?: unknown): Answer {
  const { request_id } = trace;
  const line = {
    request_id,
    method: trace.method,
    path: trace.path.slice(0, LONGEST_PATH),
    namespace: trace.caller?.namespace || null,
    status: answer.status,
    ms: Math.round((performance.now() - trace.started) * 10) / 10,
  };
  if (answer.status < 500) cloud.log.often(line, "request");
  else if (error instanceof CloudError && error.kind !== "internal")
    cloud.log.warn({ ...line, err: error }, "request");
  else cloud.log.error({ ...line, err: error }, "request");
  const { status, type, body, headers } = answer;
  const named = { "X-Request-ID": request_id };
  return { status, type, body, headers: headers === undefined ? named : { ...headers, ...named } };
}
