import { strict as assert } from "node:assert";
import { it } from "node:test";
import { fakeCloud } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

it("GET /admin/locks: who holds what, for system alone", async (t) => {
  const f = await fakeCloud();
  t.after(() => f.close());
  assert.deepEqual(await f.call("GET", "/admin/locks"), {});
  const lock = await f.cloud.store.lock("instance/abc", { wait_ms: 1000, operation: "power on" });
  assert.deepEqual(await f.call("GET", "/admin/locks"), {
    "/sflocks/instance/abc": { node: "sf-1", pid: process.pid, operation: "power on" },
  });
  await lock.release();
  assert.deepEqual(await f.call("GET", "/admin/locks"), {});
  await refuses(f, ["GET", "/admin/locks", undefined, "alice"], 401, "unauthorized");
});
