// The one error type. Everything that is not a CloudError reaches a caller as 500 without its text.

/**
 * What went wrong, from a closed list; each kind has one HTTP status. "unavailable" is a part of this cloud that does not
 * answer now: whoever waits tries again. "unreachable" is somebody else's server.
 */
export type ErrorKind =
  | "malformed"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "too_large"
  | "unsatisfiable"
  | "throttled"
  | "internal"
  | "unavailable"
  | "unreachable"
  | "insufficient";

const statuses: Record<ErrorKind, number> = {
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  unsatisfiable: 416,
  throttled: 429,
  internal: 500,
  unavailable: 503,
  unreachable: 502,
  insufficient: 507,
};

/**
 * An error a caller may be told of: `subject: fact` as its message. `detail` is data for programs: for "conflict"
 * from the store, `{ keys: string[] }` names the keys that were not as expected.
 */
export class CloudError extends Error {
  readonly kind: ErrorKind;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(
    kind: ErrorKind,
    message: string,
    options: { cause?: unknown; detail?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CloudError";
    this.kind = kind;
    this.detail = options.detail ?? {};
  }

  get status(): number {
    return statuses[this.kind];
  }
}

/** True for a CloudError of one of these kinds. */
export function isKind(error: unknown, ...kinds: ErrorKind[]): error is CloudError {
  return error instanceof CloudError && kinds.includes(error.kind);
}

/** The words of any thrown value, for logs, events and error_message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
