import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import { type FakeCloud, fakeCloud } from "../support/fake-cloud.ts";

/** All that may be asked without a token. */
const OPEN = ["GET /", "POST /auth"];

describe("routes", () => {
  let f: FakeCloud;
  before(async () => {
    f = await fakeCloud({ works: false });
  });
  after(() => f.close());

  it("without a token: every route is 401, but for those that must be open", async () => {
    assert.ok(f.table.routes.length > 15);
    for (const { method, path, definition } of f.table.routes) {
      const what = `${method} ${path}`;
      assert.equal(definition.access === "anyone", OPEN.includes(what), what);
      if (definition.access === "anyone") continue;
      const { status } = await f.ask(method, path.replace(/\[\w+\]/g, "x"), undefined, null);
      assert.equal(status, 401, what);
    }
  });

  it("with another namespace's token: every route for system is 401", async () => {
    for (const { method, path, definition } of f.table.routes) {
      if (definition.access !== "system") continue;
      const { status } = await f.ask(method, path.replace(/\[\w+\]/g, "x"), undefined, "alice");
      assert.equal(status, 401, `${method} ${path}`);
    }
  });

  it("of an object that there is not: every route is 404 and says that it was not found", async () => {
    for (const { method, path, definition } of f.table.routes) {
      if (definition.access !== "namespace" || !path.includes("[") || definition.input !== undefined)
        continue;
      const { status, body } = await f.ask(method, path.replace(/\[\w+\]/g, "none"), undefined, "alice");
      assert.equal(status, 404, `${method} ${path}`);
      assert.match((body as { error: string }).error, /not found$/);
    }
  });

  it("an unknown argument: every route refuses it with 400", async () => {
    for (const { method, path } of f.table.routes) {
      const { status } = await f.ask(method, path.replace(/\[\w+\]/g, "none"), { "no-such-argument": 1 });
      assert.equal(status, 400, `${method} ${path}`);
    }
  });

  it("every function: has a summary of a few words", () => {
    const { routes, jobs, schedules, reactions } = f.table;
    for (const { file, definition } of [...routes, ...jobs, ...schedules, ...reactions])
      assert.match(definition.summary, /^[A-Z].{2,60}[^.]$/, file);
  });

  it("every job: has a deadline, attempts and steps with names of their own", () => {
    for (const { name, definition } of f.table.jobs) {
      assert.ok(definition.deadline_ms > 0 && definition.attempts > 0, name);
      const names = [...definition.steps, ...definition.undo].map((step) => step.name);
      assert.ok(
        names.every((each) => /^[a-z][A-Za-z]+$/.test(each)),
        `${name}: ${names}`,
      );
      assert.equal(new Set(names).size, names.length, `${name}: ${names}`);
    }
  });
});
