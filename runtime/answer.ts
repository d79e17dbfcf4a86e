// What goes back to the client, and how each outcome looks on the wire.
import { CloudError, type ErrorKind } from "#shared/errors.ts";
import { Content, type Read, Streamed } from "./define.ts";

export interface Answer {
  status: number;
  type: string;
  body: string | Buffer | Read;
  headers?: Record<string, string>;
}

const JSON_TYPE = "application/json";
const RETRIED: readonly ErrorKind[] = ["unavailable", "throttled"];
const HTML_NOT_FOUND =
  "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the server.</p>\n";

/** Success is always 200; nothing to say is `null`. */
export function success(result: unknown): Answer {
  if (result instanceof Content) return { status: 200, ...result };
  if (result instanceof Streamed) return { ...result };
  return { status: 200, type: JSON_TYPE, body: Buffer.from(`${JSON.stringify(result ?? null)}\n`) };
}

export const empty = (): Answer => ({ status: 200, type: "text/html; charset=utf-8", body: "" });

export const unknownPath = (): Answer => ({
  status: 404,
  type: "text/html; charset=utf-8",
  body: HTML_NOT_FOUND,
});

export const wrongMethod = (): Answer => ({
  status: 405,
  type: JSON_TYPE,
  body: `${JSON.stringify({ message: "The method is not allowed for the requested URL." })}\n`,
});

/**
 * `{error, status, request_id}`; an error that is not a CloudError is 500 without its words, a trace only where the site asks.
 * Where an old client wants an object instead of words, the error's detail has it under `error`; headers of its own are there under
 * `headers`.
 */
export function failure(error: unknown, requestId: string, traces: boolean): Answer {
  const known =
    error instanceof CloudError ? error : new CloudError("internal", "server error", { cause: error });
  const body = {
    error: known.detail.error ?? known.message,
    status: known.status,
    request_id: requestId,
    ...(traces && error instanceof Error ? { traceback: error.stack } : {}),
  };
  const headers = RETRIED.includes(known.kind)
    ? { "Retry-After": String(known.detail.retry_after_s ?? 1) }
    : (known.detail.headers as Record<string, string> | undefined);
  return {
    status: known.status,
    type: JSON_TYPE,
    body: `${JSON.stringify(body)}\n`,
    ...(headers === undefined ? {} : { headers }),
  };
}
