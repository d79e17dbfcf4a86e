import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { type Source, sources } from "./sources.ts";

const MOST_LINES = 300;

/** Longer ones, each with a reason to be: none may be added without one. */
const LONG: Record<string, string> = {
  "tests/shared/ports/network/linux.test.ts": "one host is set up for all of it",
};

const below = (...tops: string[]) => sources.filter(({ path }) => tops.some((top) => path.startsWith(top)));
const product = below("functions/", "runtime/", "shared/", "cli/", "deploy/");

/** The files and lines where the text stands. */
function findIn(files: readonly Source[], pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    text
      .split("\n")
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

const named = (files: readonly Source[]) => files.map(({ path }) => path);

describe("files", () => {
  it("every file of the product: opens with a comment that says what it gives", () => {
    assert.ok(product.length > 100);
    const bare = product.filter(({ text }) => !/^(#!.*\n)?(\/\/ \S|\/\*\*)/.test(text));
    assert.deepEqual(named(bare), []);
  });

  it("no file: is longer than anybody reads", () => {
    const long = sources.filter(({ text }) => text.split("\n").length > MOST_LINES + 1);
    assert.deepEqual(named(long), Object.keys(LONG));
  });

  it("no file: leaves work for later, or runs one test alone", () => {
    const self = (path: string) => path.startsWith("tests/house/");
    const others = sources.filter(({ path }) => !self(path));
    assert.deepEqual(findIn(others, /\b(TODO|FIXME|XXX)\b/), []);
    assert.deepEqual(findIn(others, /\b(it|test|describe)\.only\(|\bonly: true/), []);
  });

  it("the domain: has no clock and no environment of its own", () => {
    const domain = below("shared/", "functions/").filter(
      ({ path }) => !/^shared\/(ports|api)\/|^shared\/clock\.ts$/.test(path),
    );
    assert.deepEqual(findIn(domain, /process\.env|new Date\(\)|Date\.now\(\)/), []);
  });

  it("the environment: is read by programs alone", () => {
    // Two hand it on to the programs that they run.
    const programs = /^(runtime\/main|cli\/(main|run|credentials)|shared\/ports\/exec\/real)\.ts$/;
    const others = below("functions/", "runtime/", "shared/", "cli/").filter(
      ({ path }) => !programs.test(path),
    );
    assert.deepEqual(findIn(others, /process\.env/), []);
  });

  it("default exports: only where a file is a function or a command", () => {
    const others = sources.filter(
      ({ path }) => !/^(functions|cli\/commands|tests\/support\/function-tree)/.test(path),
    );
    assert.deepEqual(findIn(others, /^export default/), []);
    const without = below("functions/", "cli/commands/").filter(({ text }) => !/^export default/m.test(text));
    assert.deepEqual(named(without), []);
  });

  it("tests: stand in tests/ alone", () => {
    const lost = sources.filter(
      ({ path }) => /\.(test|spec|suite)\./.test(path) && !path.startsWith("tests/"),
    );
    assert.deepEqual(named(lost), []);
  });

  it("no shell: programs are run by argument vector (fault 1)", () => {
    const shells = /\bexecSync\(|\bexec\((`|"|')|shell: true|"(?:ba)?sh",\s*\["?-c/;
    assert.deepEqual(findIn(below("functions/", "runtime/", "shared/", "cli/"), shells), []);
  });

  it("no file: names the place where it was written", () => {
    const others = sources.filter(({ path }) => !path.startsWith("tests/house/"));
    assert.deepEqual(
      findIn(others, /\/work\/|\.\.\/shared\/(DESIGN|STYLE|FACTS|contract)\.md|\bcontract\.md|\bFACTS\.md/),
      [],
    );
  });

  it("titles of the runtime's and the functions' tests: operation, then outcome", () => {
    const titled = below("tests/runtime/", "tests/functions/", "tests/house/");
    const titles = findIn(titled, /^\s+it\(["`]/).filter((line) => !/it\(["`][^"`]+: ?\S/.test(line));
    assert.deepEqual(titles, []);
  });
});
