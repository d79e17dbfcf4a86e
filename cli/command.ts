// What a command file says about itself: its arguments and options in order, and what it does with their values.
// The types of the values follow from the description; the command's name is its path.
import type { ApiClient } from "#shared/api/client.ts";
import { UsageError } from "./errors.ts";
import type { Output } from "./output.ts";

type Given = string | boolean | readonly string[] | undefined;

/** Something the user gives; `read` turns it into what the command wants, or throws UsageError. */
interface Parameter<T> {
  readonly help: string;
  read(given: Given): T;
}

export interface Argument<T> extends Parameter<T> {
  readonly optional: boolean;
}

export interface Option<T> extends Parameter<T> {
  /** As commander writes them: "-a, --all", "--node <node>". */
  readonly flags: string;
  /** A toggle has "--x" and "--no-x"; a list may be given more than once. */
  readonly kind: "flag" | "value" | "list" | "toggle";
}

type Values<S> = { readonly [K in keyof S]: S[K] extends Parameter<infer T> ? T : never };

export interface Context {
  readonly api: ApiClient;
  readonly out: Output;
}

type Arguments = Readonly<Record<string, Argument<unknown>>>;
type Options = Readonly<Record<string, Option<unknown>>>;

interface Description<A extends Arguments, O extends Options> {
  readonly summary: string;
  readonly arguments?: A;
  readonly options?: O;
  /** What follows "sf-client " in the help's examples. */
  readonly examples?: readonly string[];
  run(scene: Context & { readonly args: Values<A>; readonly options: Values<O> }): Promise<void>;
}

/** As they stand on the command line, by the names of the description. */
export interface GivenValues {
  readonly args: Readonly<Record<string, Given>>;
  readonly options: Readonly<Record<string, Given>>;
}

export interface Command {
  readonly summary: string;
  readonly arguments: Arguments;
  readonly options: Options;
  readonly examples: readonly string[];
  run(context: Context, given: GivenValues): Promise<void>;
}

export function command<A extends Arguments = Record<never, never>, O extends Options = Record<never, never>>(
  description: Description<A, O>,
): Command {
  const { summary, examples = [] } = description;
  const shapes = { arguments: description.arguments ?? ({} as A), options: description.options ?? ({} as O) };
  return {
    summary,
    examples,
    ...shapes,
    async run(context, given) {
      const args = readAll(shapes.arguments, given.args);
      const options = readAll(shapes.options, given.options);
      await description.run({ ...context, args, options });
    },
  };
}

function readAll<S extends Readonly<Record<string, Parameter<unknown>>>>(
  shape: S,
  given: GivenValues["args"],
): Values<S> {
  const values = Object.entries(shape).map(([name, parameter]) => [name, parameter.read(given[name])]);
  return Object.fromEntries(values) as Values<S>;
}

export function argument(help: string): Argument<string>;
export function argument<T>(help: string, parse: (text: string) => T): Argument<T>;
export function argument(help: string, parse: (text: string) => unknown = (text) => text): Argument<unknown> {
  return { help, optional: false, read: (given) => parse(String(given)) };
}

/** `fallback` when it is left out. */
export function optionalArgument<T>(help: string, parse: (text: string) => T, fallback: T): Argument<T> {
  return { help, optional: true, read: (given) => (typeof given === "string" ? parse(given) : fallback) };
}

export function flag(flags: string, help: string): Option<boolean> {
  return { flags, help, kind: "flag", read: (given) => given === true };
}

/** On unless "--no-…" is given; `flags` is the positive one. */
export function toggle(flags: string, help: string): Option<boolean> {
  return { flags, help, kind: "toggle", read: (given) => given !== false };
}

export function value(flags: string, help: string): Option<string | null> {
  return { flags, help, kind: "value", read: (given) => (typeof given === "string" ? given : null) };
}

export function list(flags: string, help: string): Option<readonly string[]> {
  return { flags, help, kind: "list", read: (given) => (Array.isArray(given) ? given : []) };
}

export function integer(text: string): number {
  const number = Number(text);
  if (!/^\s*[+-]?\d+\s*$/.test(text) || !Number.isSafeInteger(number)) {
    throw new UsageError(`"${text}" is not a whole number`);
  }
  return number;
}

const TRUE_WORDS = ["true", "t", "1", "yes", "y", "on"];
const FALSE_WORDS = ["false", "f", "0", "no", "n", "off"];

export function bool(text: string): boolean {
  const word = text.trim().toLowerCase();
  if (TRUE_WORDS.includes(word)) return true;
  if (FALSE_WORDS.includes(word)) return false;
  throw new UsageError(`"${text}" is neither true nor false`);
}
