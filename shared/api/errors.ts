// What can go wrong between a client and the API: it answered with an error, or it did not answer.

/** The API refused. `message` is the `error` text of its answer, `raw` the whole body, `detail` an `error` that is no text. */
export class ApiError extends Error {
  readonly status: number;
  readonly raw: string;
  readonly detail: unknown;

  constructor(status: number, message: string, raw = message, detail: unknown = message) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.raw = raw;
    this.detail = detail;
  }
}

/** Nothing that can be called an answer came back: refused, timed out, cut short, too large, no HTTP. */
export class ConnectionError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ConnectionError";
  }
}
