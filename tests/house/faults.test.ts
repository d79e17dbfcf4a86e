import { strict as assert } from "node:assert";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { FAULTS } from "../faults/list.ts";
import { ROOT, sources } from "./sources.ts";

const TITLE = /\b(?:it|test)\(\s*(["'`])((?:(?!\1).)+)\1/g;
const MARK = /\bfaults? (\d+(?:, \d+)*)/g;
const DECISIONS = join(ROOT, "docs/decisions");

const numbersIn = (text: string): number[] =>
  [...text.matchAll(MARK)].flatMap(([, numbers = ""]) => numbers.split(", ").map(Number));

const titled = sources
  .filter(({ path }) => /^tests\/.*\.(test|suite)\.ts$|^tests\/.*\/contract\.ts$/.test(path))
  .flatMap(({ text }) => [...text.matchAll(TITLE)].flatMap(([, , title = ""]) => numbersIn(title)));

/** Of what is not done as it was asked the record has a row that begins with its number: `| 11 | … |`. */
const recorded = readdirSync(DECISIONS)
  .filter((name) => name.startsWith("0013-"))
  .flatMap((name) => readFileSync(join(DECISIONS, name), "utf8").split("\n"))
  .flatMap((line) => /^\| (\d+) \|/.exec(line)?.slice(1).map(Number) ?? []);

describe("faults of v0.3", () => {
  it("every fault: has a test that bears its number", () => {
    const missing = Object.entries(FAULTS).filter(([number]) => !titled.includes(Number(number)));
    assert.deepEqual(missing, []);
  });

  it("every number: is that of a fault", () => {
    assert.deepEqual(
      Object.keys(FAULTS).map(Number),
      [...Array(73).keys()].map((index) => index + 1),
    );
    assert.ok(recorded.length > 0);
    const unknown = [...titled, ...recorded].filter((number) => FAULTS[number] === undefined);
    assert.deepEqual(unknown, []);
  });
});
