// Every call of the API over the wire: what it takes, what it answers, and every refusal, against a real node.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { coverage } from "../conformance/coverage.ts";
import type { Row } from "../conformance/row.ts";
import { check, methodAndPath } from "../conformance/run.ts";
import { groups } from "../conformance/table.ts";
import { openWorld, type World } from "../conformance/world.ts";
import { eventually } from "../support/await.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const SOON_MS = 20_000;

describe("conformance", () => {
  let world: World;
  before(async () => {
    world = await openWorld();
  });
  after(() => world?.stop());

  async function requireRow(row: Row): Promise<void> {
    const first = await check(world, row);
    if (first.length === 0) return;
    assert.ok(row.soon, first.join("\n"));
    await eventually("the answer", SOON_MS, async () => (await check(world, row)).length === 0 || undefined);
  }

  for (const [name, rows] of groups) {
    describe(name, () => {
      for (const row of rows) {
        it(`${methodAndPath(row).join(" ")}: ${row.says}`, () => requireRow(row));
      }
    });
  }

  it("the table: covers every route and every error that clients know", async () => {
    const { rows, routes, errors, missing } = await coverage();
    console.log(`conformance: ${rows} rows, ${routes} routes, ${errors} listed errors`);
    assert.deepEqual(missing, []);
  });
});
