// The table of the API's conformance: what is asked over the wire, and the exact answer.
import { Matcher, type Shape } from "./shape.ts";

/** Names for what is only known at run time: `{name}` in a path, a body, a header or an answer stands for its value. */
export type Context = Record<string, string>;

/** "system", "a" and "b" are namespaces; null sends no header; `raw` is the header's value. */
export type As = "system" | "a" | "b" | null | { raw: string };

export interface Row {
  /** The route as the table of functions has it: `GET /instances/[instance_ref]`; null for what is no route. */
  of: string | null;
  /** What is particular about this one. */
  says: string;
  /** When it is not the route's own with the variables' usual values. */
  ask?: string;
  /** "a" where it is not said. */
  as?: As;
  headers?: Record<string, string>;
  /** Text and buffers are sent as they are, anything else as JSON; a function makes it from the context. */
  body?: unknown;
  gets: Expected;
  /** What follows an act a little later is asked for until it is so, for a few seconds. */
  soon?: true;
  /** Names for parts of the answer: "" is all of it, "uuid" that field. */
  keep?: Record<string, string>;
}

export interface Expected {
  status: number;
  type: string;
  /** A JSON answer, with exactly these keys. */
  json?: Shape;
  /** Any other answer. */
  text?: string | RegExp;
  headers?: Record<string, string | RegExp>;
  /** What an error says, with its status before: for the list of errors that clients know. */
  refusal?: string;
}

export type Group = readonly [name: string, rows: readonly Row[]];

/** `{name}` wherever it stands in text; a name that is not known stays. */
export function fill<T>(value: T, context: Context): T {
  if (typeof value === "string")
    return value.replace(/\{(\w+)\}/g, (whole, name) => context[name] ?? whole) as T;
  if (Array.isArray(value)) return value.map((each) => fill(each, context)) as T;
  if (value instanceof Matcher) return value.with((part) => fill(part, context)) as T;
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [fill(key, context), fill(each, context)]),
  ) as T;
}

/** The usual value of each variable of a path. */
const VARIABLES: Record<string, string> = {
  instance_ref: "{instance}",
  network_ref: "{network}",
  interface_uuid: "{interface}",
  namespace: "a",
};

/** The path of a route with the usual values. */
export const usualPath = (path: string): string =>
  path.replace(/\[(\w+)\]/g, (_, name) => VARIABLES[name] ?? `the-${name}`);
