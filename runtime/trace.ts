// What is kept of a request: one line in the log, and an id that stands in it, in the answer's header and in the body of an
// error. Never a body, a query or a header: they carry secrets.
import type { Caller, Cloud } from "../shared/cloud.ts";
import { CloudError } from "../shared/errors.ts";
import type { Answer } from "./answer.ts";

const LONGEST_PATH = 500;

export interface Trace {
  /** Of a request that another node has handed on, the one that it has there. */
  request_id: string;
  /** Once it is known. */
  caller: Caller | undefined;
  /** Writes the line; answers the answer with the id. `error` is what the answer hides. */
  end(cloud: Cloud, answer: Answer, error?: unknown): Answer;
}

export function openTrace(request: { id: string; method: string; path: string }): Trace {
  const started = performance.now();
  const trace: Trace = {
    request_id: request.id,
    caller: undefined,
    end(cloud, answer, error) {
      const line = {
        request_id: trace.request_id,
        method: request.method,
        path: request.path.slice(0, LONGEST_PATH),
        namespace: trace.caller?.namespace || null,
        status: answer.status,
        ms: Math.round((performance.now() - started) * 10) / 10,
      };
      if (answer.status < 500) cloud.log.info(line, "request");
      else if (error instanceof CloudError && error.kind !== "internal")
        cloud.log.warn({ ...line, err: error }, "request");
      else cloud.log.error({ ...line, err: error }, "request");
      return { ...answer, headers: { ...answer.headers, "X-Request-ID": trace.request_id } };
    },
  };
  return trace;
}
