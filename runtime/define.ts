// What a function's file declares: `http`, `job`, `schedule` or `on`. All of it is data but `run`, `steps` and `finish`.
import type { ZodType } from "zod";
import type { Caller, Cloud } from "#shared/cloud.ts";
import type { JobContext, JobRecord, Step } from "#shared/jobs.ts";
import type { Change, Entry } from "#shared/ports/store/store.ts";

export type Access = "anyone" | "namespace" | "system";

export interface FindContext {
  readonly cloud: Cloud;
  readonly caller: Caller;
  /** The bracketed parts of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
}

export interface HttpContext<Input, Found> extends FindContext {
  readonly input: Input;
  readonly found: Found;
  /** The Range header: which part of a file is asked for. */
  readonly range: string | undefined;
}

/** One operation of the API. The phases run in the order in which they stand here. */
export interface HttpFunction<Input = unknown, Found = unknown, Result = unknown> {
  /** A few words, for the API's documentation. */
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  /** The body, whatever the method; without it no key is taken. */
  readonly input?: ZodType<Input>;
  /** The object of the path, seen as the caller may see it; what is not theirs is not_found. */
  readonly find?: (context: FindContext) => Promise<Found> | Found;
  /** Where `run` happens: on the node that owns the object, on the network node, or (absent) wherever the request came. */
  readonly node?: (found: Found, cloud: Cloud) => string;
  /** The lock that `run` holds. */
  readonly lock?: (found: Found) => string;
  readonly run: (context: HttpContext<Input, Found>) => Promise<Result> | Result;
  /** The answer as the wire shows it; without it the result is sent as it is. */
  readonly view?: (result: Result) => unknown;
  /** What a success looks like on the wire, for the API's description; without it, `null`. */
  readonly answer?: ZodType | typeof PlainText | typeof Streamed;
}

export interface JobFunction<Subject = unknown> {
  readonly summary: string;
  /** For all steps together, from the moment the job's node first took it up. */
  readonly deadline_ms: number;
  /** How often a step may fail before the job is undone. */
  readonly attempts: number;
  /** Puts an end to the other jobs of the same subject instead of waiting for them. */
  readonly preempts?: boolean;
  /** The subject if the work is still wanted; asked before each step. */
  readonly subject: (cloud: Cloud, job: JobRecord) => Entry<Subject> | undefined;
  readonly steps: readonly Step<Subject>[];
  /** Those of them that only wait for something far away: while they do, another job has their place. */
  readonly waits?: readonly Step<Subject>[];
  /** Committed together with the end of the job. */
  readonly finish: (context: JobContext<Subject>) => Change[];
  /** Takes back what the steps made, when they could not all be done. */
  readonly undo: readonly Step<Subject>[];
  /** Committed together with the end of a job that failed; `undone` is false when something may be left of it. */
  readonly fail: (context: JobContext<Subject>, reason: string, undone: boolean) => Change[];
}

/** Work that the clock wakes. It takes no input: it reads what should be and what is, and narrows the gap. */
export interface ScheduleFunction {
  readonly summary: string;
  readonly every_s: (cloud: Cloud) => number;
  readonly deadline_ms: number;
  readonly run: (context: { cloud: Cloud; signal: AbortSignal }) => Promise<void>;
}

/** What can wake a reaction, and what it is told. */
export interface Occurrences {
  /** A guest's power changed. */
  power: { uuid: string; power: "on" | "off" | "paused" | "crashed" };
  /** A guest started anew without having been off: asked to or by itself, which it may do as often as it likes. */
  reboot: { uuid: string };
  /** A guest wrote to its serial console: `text` is new, `before` the end of the line that it goes on. */
  console: { uuid: string; before: string; text: string };
  /** An interface came to a network, left it, or changed how it is reached from outside. */
  interface: { network_uuid: string };
  /** The hypervisor can be asked again: what happened meanwhile is not known. */
  "hypervisor-back": Record<never, never>;
}

export interface Reaction<Name extends keyof Occurrences = keyof Occurrences> {
  readonly summary: string;
  readonly event: Name;
  readonly run: (context: { cloud: Cloud; event: Occurrences[Name] }) => Promise<void> | void;
}

export function http<Input = Record<string, never>, Found = undefined, Result = unknown>(
  definition: HttpFunction<Input, Found, Result>,
): HttpFunction<Input, Found, Result> {
  return definition;
}

export const job = <Subject>(definition: JobFunction<Subject>): JobFunction<Subject> => definition;
export const schedule = (definition: ScheduleFunction): ScheduleFunction => definition;
export const on = <Name extends keyof Occurrences>(definition: Reaction<Name>): Reaction<Name> => definition;

/** An answer that is not JSON, but bytes of a type of its own. */
export class Content {
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers: Record<string, string>;
  constructor(type: string, body: string | Buffer, headers: Record<string, string> = {}) {
    this.type = type;
    this.body = body;
    this.headers = headers;
  }
}

/** An answer that is text. */
export class PlainText extends Content {
  constructor(body: string | Buffer) {
    super("text/plain; charset=utf-8", body);
  }
}

/** Yields the bytes of an answer as they are there; `signal` aborts when nobody takes them any more. */
export type Read = (signal: AbortSignal) => AsyncIterable<Uint8Array>;

/**
 * An answer whose bytes are read while they are sent, at the pace of whoever takes them. With a Content-Length among its
 * headers it must yield as many.
 */
export class Streamed {
  readonly type: string;
  readonly body: Read;
  readonly status: 200 | 206;
  readonly headers: Record<string, string>;
  constructor(
    type: string,
    read: Read,
    options: { status?: 200 | 206; headers?: Record<string, string> } = {},
  ) {
    this.type = type;
    this.body = read;
    this.status = options.status ?? 200;
    this.headers = options.headers ?? {};
  }
}
