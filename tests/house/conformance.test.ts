import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { coverage } from "../conformance/coverage.ts";
import { methodAndPath } from "../conformance/run.ts";
import { rows } from "../conformance/table.ts";

describe("the table of conformance", () => {
  it("every route and every error that clients know: has a row", async () => {
    assert.deepEqual((await coverage()).missing, []);
  });

  it("every row: is told from the others by its request and its title", () => {
    const titles = rows.map((row) => `${methodAndPath(row).join(" ")}: ${row.says}`);
    const twice = titles.filter((title, index) => titles.indexOf(title) !== index);
    assert.deepEqual(twice, []);
  });
});
