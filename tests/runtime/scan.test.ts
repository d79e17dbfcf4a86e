import { strict as assert } from "node:assert";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isKind } from "#shared/errors.ts";
import { scan } from "../../runtime/scan.ts";
import { functionTree, http, job, on, schedule } from "../support/function-tree.ts";

const refused = (pattern: RegExp) => (error: unknown) => {
  assert.ok(isKind(error, "malformed"));
  assert.match(error.message, pattern);
  return true;
};

describe("scan", () => {
  it("scan: the path says where, the suffix what wakes it", async (t) => {
    const tree = await functionTree(t, {
      "index.get.ts": http,
      "things/index.post.ts": http,
      "things/[thing_ref]/index.delete.ts": http,
      "things/[thing_ref]/parts/[part].put.ts": http,
      "things/start.job.ts": job,
      "things/count.schedule.ts": schedule,
      "things/power.on.ts": on,
    });
    const table = await scan([tree]);
    assert.deepEqual(table.routes.map(({ method, path }) => `${method} ${path}`).sort(), [
      "DELETE /things/[thing_ref]",
      "GET /",
      "POST /things",
      "PUT /things/[thing_ref]/parts/[part]",
    ]);
    assert.deepEqual(
      [table.jobs, table.schedules, table.reactions].map((each) => each.map(({ name }) => name)),
      [["things/start"], ["things/count"], ["things/power"]],
    );
    assert.equal(table.jobs[0]?.file, join(tree, "things/start.job.ts"));
  });

  it("scan: the built-in functions load", async () => {
    const table = await scan([new URL("../../functions", import.meta.url).pathname]);
    assert.ok(table.routes.some(({ method, path }) => method === "POST" && path === "/auth"));
    assert.ok(table.jobs.some(({ name }) => name === "instances/start"));
  });

  it("scan: a site's own directory is loaded alike, also with a slash at its end", async (t) => {
    const builtIn = await functionTree(t, { "index.get.ts": http });
    const own = await functionTree(t, { "site/hello.get.ts": http, "site/sweep.schedule.ts": schedule });
    const { routes, schedules } = await scan([builtIn, `${own}/`]);
    assert.deepEqual(
      routes.map(({ path }) => path),
      ["/", "/site/hello"],
    );
    assert.deepEqual(
      schedules.map(({ name, file }) => [name, file]),
      [["site/sweep", join(own, "site/sweep.schedule.ts")]],
    );
  });

  for (const name of ["Things/index.get.ts", "a b.get.ts", "[x].get.ts", "[Name].get.ts", "1.get.ts"]) {
    it(`scan: refuses the name ${name}`, async (t) => {
      const tree = await functionTree(t, { [name]: http });
      await assert.rejects(scan([tree]), refused(/neither a lower-case word nor a \[variable\]/));
    });
  }

  for (const name of ["README.md", "things/helper.ts", "things/old.get.ts.bak", "things/start.jobs.ts"]) {
    it(`scan: refuses the foreign file ${name}`, async (t) => {
      const tree = await functionTree(t, { [name]: "" });
      await assert.rejects(scan([tree]), refused(new RegExp(`${name}: must end in one of \\.get\\.ts,`)));
    });
  }

  it("scan: a clash names both files", async (t) => {
    const tree = await functionTree(t, { "things.get.ts": http, "things/index.get.ts": http });
    await assert.rejects(
      scan([tree]),
      refused(/^GET \/things: claimed by both \S+\/things\.get\.ts and \S+\/things\/index\.get\.ts$/),
    );
  });

  it("scan: the names of variables do not tell routes apart", async (t) => {
    const tree = await functionTree(t, { "things/[one].get.ts": http, "things/[other].get.ts": http });
    await assert.rejects(scan([tree]), refused(/\[one\]\.get\.ts and \S+\[other\]\.get\.ts/));
  });

  it("scan: a site's file that clashes with a built-in one names both", async (t) => {
    const [one, other] = await Promise.all([
      functionTree(t, { "things/sweep.schedule.ts": schedule }),
      functionTree(t, { "things/sweep.schedule.ts": schedule }),
    ]);
    await assert.rejects(scan([one, other]), refused(new RegExp(`both ${one}\\S+ and ${other}`)));
  });

  it("scan: other methods of one path, and other kinds of one name, do not clash", async (t) => {
    const tree = await functionTree(t, {
      "things.get.ts": http,
      "things.post.ts": http,
      "things.job.ts": job,
      "things.schedule.ts": schedule,
    });
    const { routes, jobs, schedules } = await scan([tree]);
    assert.deepEqual([routes.length, jobs.length, schedules.length], [2, 1, 1]);
  });

  it("scan: a file that cannot be loaded is named with the reason", async (t) => {
    const broken = await functionTree(t, { "broken.get.ts": "export default {" });
    await assert.rejects(scan([broken]), refused(/broken\.get\.ts: cannot be loaded: /));
    const lost = await functionTree(t, { "lost.get.ts": `import "./nowhere.ts";\n` });
    await assert.rejects(scan([lost]), refused(/lost\.get\.ts: cannot be loaded: .*nowhere/));
  });

  it("scan: a file without a definition, or with one of another kind, is refused", async (t) => {
    const wrong = {
      "nothing.get.ts": "export const run = 1;\n",
      "nameless.get.ts": `export default { access: "anyone", run: () => null };\n`,
      "route.job.ts": http,
      "job.get.ts": job,
      "job.schedule.ts": job,
      "schedule.on.ts": schedule,
    };
    for (const [name, content] of Object.entries(wrong)) {
      const tree = await functionTree(t, { [name]: content });
      await assert.rejects(scan([tree]), refused(/must export default what http, job, schedule or on/), name);
    }
  });

  it("scan: a directory that is not there is refused by its name", async () => {
    await assert.rejects(
      scan(["/nonexistent/functions"]),
      refused(/^\/nonexistent\/functions: cannot be read/),
    );
  });
});
