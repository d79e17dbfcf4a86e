import { strict as assert } from "node:assert";
import { describe, it, type TestContext } from "node:test";
import type { Instance, Network } from "#shared/api/types.ts";
import { CloudError } from "#shared/errors.ts";
import { type FakeCloud, type FakeCloudOptions, fakeCloud, small } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

const PATHS = ["/instances", "/networks"];

async function open(t: TestContext, options: FakeCloudOptions = {}) {
  const f = await fakeCloud(options);
  t.after(() => f.close());
  return f;
}

const makeNetwork = (f: FakeCloud, as: string) =>
  f.call<Network>("POST", "/networks", { netblock: "10.0.0.0/24" }, as);
const makeGuest = (f: FakeCloud, as: string, ...networks: string[]) =>
  f.call<Instance>(
    "POST",
    "/instances",
    small({ network: networks.map((network_uuid) => ({ network_uuid })) }),
    as,
  );
const deleteAll = (f: FakeCloud, path: string, as: string, namespace?: string | null) =>
  f.call<string[]>("DELETE", path, { confirm: true, namespace }, as);
const living = async (f: FakeCloud, path: string) =>
  (await f.call<{ uuid: string }[]>("GET", path)).map(({ uuid }) => uuid);

describe("deleting all", () => {
  for (const path of PATHS) {
    it(`DELETE ${path}: needs a confirmation, and of system a namespace`, async (t) => {
      const f = await open(t);
      const refusals: [unknown, string, number, string][] = [
        [undefined, "alice", 400, "parameter confirm is not set true"],
        [{ confirm: false }, "alice", 400, "parameter confirm is not set true"],
        [{ confirm: null }, "alice", 400, "parameter confirm is not set true"],
        [{ confirm: "true" }, "alice", 400, "parameter confirm is not set true"],
        [{ confirm: 1 }, "system", 400, "parameter confirm is not set true"],
        [{ confirm: true }, "system", 400, "system user must specify parameter namespace"],
        [{ confirm: true, namespace: null }, "system", 400, "system user must specify parameter namespace"],
        [{ confirm: true, namespace: "" }, "system", 400, "system user must specify parameter namespace"],
        [{ confirm: true, namespace: 7 }, "system", 400, "namespace is not a string"],
        [{ confirm: true, namespace: "bob" }, "alice", 401, "you cannot delete other namespaces"],
        [{ confirm: true, namespace: "system" }, "alice", 401, "you cannot delete other namespaces"],
        [{ confirm: true, name: "x" }, "alice", 400, "unknown argument 'name'"],
      ];
      for (const [body, as, status, words] of refusals)
        await refuses(f, ["DELETE", path, body, as], status, words);
    });
  }

  it("DELETE /instances: takes one's own, also in error, and says which", async (t) => {
    const f = await open(t);
    const others = await makeGuest(f, "bob");
    const mine = [await makeGuest(f, "alice"), await makeGuest(f, "alice")];
    f.exec.script("qemu-img", () => new CloudError("insufficient", "disk: no space left"));
    mine.push(await makeGuest(f, "alice"));
    assert.equal(mine[2]?.state, "error");
    const uuids = mine.map(({ uuid }) => uuid).sort();
    assert.deepEqual((await deleteAll(f, "/instances", "alice")).sort(), uuids);
    for (const uuid of uuids)
      assert.equal((await f.call<Instance>("GET", `/instances/${uuid}`)).state, "deleted");
    assert.deepEqual(await living(f, "/instances"), [others.uuid]);
    assert.deepEqual(await deleteAll(f, "/instances", "alice", "alice"), []);
  });

  it("DELETE /instances: system takes those of a namespace, or by its own name all", async (t) => {
    const f = await open(t);
    const made: Record<string, string> = {};
    for (const as of ["alice", "bob", "system"]) made[as] = (await makeGuest(f, as)).uuid;
    assert.deepEqual(await deleteAll(f, "/instances", "system", "alice"), [made.alice]);
    const rest = [made.bob, made.system].sort();
    assert.deepEqual((await deleteAll(f, "/instances", "system", "system")).sort(), rest);
    assert.deepEqual(await living(f, "/instances"), []);
  });

  it("DELETE /instances: waits for all of them together, no longer than for one", async (t) => {
    const f = await open(t, { config: { API_ASYNC_WAIT: "0" } });
    const made = await Promise.all(Array.from({ length: 20 }, () => makeGuest(f, "alice")));
    await f.idle();
    f.hypervisor.goAway();
    const asked = await deleteAll(f, "/instances", "alice");
    assert.deepEqual(asked.sort(), made.map(({ uuid }) => uuid).sort());
    f.hypervisor.comeBack();
    await f.idle();
    assert.deepEqual(await living(f, "/instances"), []);
    assert.deepEqual(f.value("claim/sf-1"), { cpus: 0, memory_mib: 0, disk_gib: 0 });
  });

  it("DELETE /networks: takes one's own, also in error, and says which", async (t) => {
    const f = await open(t);
    const others = await makeNetwork(f, "bob");
    const mine = [await makeNetwork(f, "alice")];
    f.network.failNext("ensure", "no");
    mine.push(await makeNetwork(f, "alice"));
    const uuids = mine.map(({ uuid }) => uuid).sort();
    assert.deepEqual((await deleteAll(f, "/networks", "alice")).sort(), uuids);
    for (const uuid of uuids)
      assert.equal((await f.call<Network>("GET", `/networks/${uuid}`)).state, "deleted");
    assert.deepEqual(await living(f, "/networks"), [others.uuid]);
  });

  it("DELETE /networks: of those in use it says so as an object, the others go all the same (fault 72)", async (t) => {
    const f = await open(t);
    const [used, free] = [await makeNetwork(f, "alice"), await makeNetwork(f, "alice")];
    const guest = await makeGuest(f, "alice", used.uuid);
    const { status, body } = await f.ask("DELETE", "/networks", { confirm: true }, "alice");
    assert.equal(status, 403);
    assert.deepEqual((body as { error: unknown }).error, { deleted: [free.uuid], unable: [used.uuid] });
    assert.equal((await f.call<Network>("GET", `/networks/${free.uuid}`)).state, "deleted");
    await f.call("DELETE", `/instances/${guest.uuid}`);
    assert.deepEqual(await deleteAll(f, "/networks", "alice"), [used.uuid]);
  });

  it("DELETE /networks: system takes those of a namespace, or by its own name all (fault 4)", async (t) => {
    const f = await open(t);
    const made: Record<string, string> = {};
    for (const as of ["alice", "bob", "system"]) made[as] = (await makeNetwork(f, as)).uuid;
    assert.deepEqual(await deleteAll(f, "/networks", "system", "bob"), [made.bob]);
    const rest = [made.alice, made.system].sort();
    assert.deepEqual((await deleteAll(f, "/networks", "system", "system")).sort(), rest);
    assert.deepEqual(await living(f, "/networks"), []);
  });
});
