// Exact comparison of answers, with matchers for what differs from run to run.

/** JSON with matchers in it. */
export type Shape = unknown;

export class Matcher {
  readonly says: string;
  /** Shapes within, for the test and for filling in. */
  readonly parts: readonly Shape[];
  readonly test: (value: unknown, parts: readonly Shape[]) => boolean;

  constructor(
    says: string,
    test: (value: unknown, parts: readonly Shape[]) => boolean,
    parts: readonly Shape[] = [],
  ) {
    this.says = says;
    this.test = test;
    this.parts = parts;
  }

  fits(value: unknown): boolean {
    return this.test(value, this.parts);
  }

  /** The same with other parts. */
  with(change: (part: Shape) => Shape): Matcher {
    return new Matcher(this.says, this.test, this.parts.map(change));
  }

  toString(): string {
    return [this.says, ...this.parts.map(show)].join(" ");
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const isLike = (value: unknown, shape: Shape): boolean => differences(value, shape).length === 0;

export const text = (pattern: RegExp): Matcher =>
  new Matcher(`text like ${pattern}`, (value) => typeof value === "string" && pattern.test(value));
export const anything = new Matcher("anything", () => true);
export const uuid = new Matcher("a UUID", (value) => typeof value === "string" && UUID.test(value));
export const anyText = new Matcher("text", (value) => typeof value === "string");
export const wholeNumber = (lowest: number, highest: number): Matcher =>
  new Matcher(
    `a whole number from ${lowest} to ${highest}`,
    (value) => Number.isInteger(value) && Number(value) >= lowest && Number(value) <= highest,
  );
/** Seconds since 1970, at most an hour from now. */
export const seconds = new Matcher(
  "seconds since 1970",
  (value) => typeof value === "number" && Math.abs(value - Date.now() / 1000) < 3600,
);
export const wholeSeconds = new Matcher(
  "whole seconds since 1970",
  (value) => seconds.fits(value) && Number.isInteger(value),
);
export const either = (...shapes: Shape[]): Matcher =>
  new Matcher("one of", (value, parts) => parts.some((shape) => isLike(value, shape)), shapes);
/** Of any length from `least` on. */
export const listOf = (shape: Shape, least = 1): Matcher =>
  new Matcher(
    `a list of at least ${least}, each`,
    (value, [each]) => Array.isArray(value) && value.length >= least && value.every((it) => isLike(it, each)),
    [shape],
  );
/** A list with a member for each of these, in any order, and others. */
export const listWith = (...shapes: Shape[]): Matcher =>
  new Matcher(
    "a list with",
    (value, parts) => Array.isArray(value) && parts.every((shape) => value.some((it) => isLike(it, shape))),
    shapes,
  );
/** A list with no such member. */
export const without = (shape: Shape): Matcher =>
  new Matcher(
    "a list without",
    (value, [one]) => Array.isArray(value) && value.every((it) => !isLike(it, one)),
    [shape],
  );
/** An object with these keys, and others. */
export const objectWith = (shape: Record<string, Shape>): Matcher =>
  new Matcher(
    "an object with",
    (value, [some]) =>
      typeof value === "object" &&
      value !== null &&
      Object.entries(some as object).every(([key, wanted]) =>
        isLike((value as Record<string, unknown>)[key], wanted),
      ),
    [shape],
  );

/** One line for each place where the value is not as wanted. */
export function differences(value: unknown, shape: Shape, path = "answer"): string[] {
  if (shape instanceof Matcher) return shape.fits(value) ? [] : [`${path}: ${show(value)} is not ${shape}`];
  if (Array.isArray(shape)) {
    if (!Array.isArray(value) || value.length !== shape.length)
      return [`${path}: ${show(value)} is not a list of ${shape.length}: ${show(shape)}`];
    return shape.flatMap((each, index) => differences(value[index], each, `${path}[${index}]`));
  }
  if (typeof shape === "object" && shape !== null) return differencesOfObject(value, shape, path);
  return value === shape ? [] : [`${path}: ${show(value)} is not ${show(shape)}`];
}

function differencesOfObject(value: unknown, shape: object, path: string): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return [`${path}: ${show(value)} is not an object`];
  const surplus = Object.keys(value).filter((key) => !Object.hasOwn(shape, key));
  return [
    ...surplus.map((key) => `${path}.${key}: not expected`),
    ...Object.entries(shape).flatMap(([key, each]) =>
      Object.hasOwn(value, key)
        ? differences((value as Record<string, unknown>)[key], each, `${path}.${key}`)
        : [`${path}.${key}: missing`],
    ),
  ];
}

function show(value: unknown): string {
  if (value instanceof Matcher) return `<${value}>`;
  const shown = JSON.stringify(value, (_, it) => (it instanceof Matcher ? `<${it}>` : it)) ?? "nothing";
  return shown.length > 600 ? `${shown.slice(0, 600)}…` : shown;
}
