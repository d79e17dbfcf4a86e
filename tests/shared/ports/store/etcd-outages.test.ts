// What only a real etcd behind a network has: broken and silent links, compaction, members that die.
import { strict as assert } from "node:assert";
import { after, describe, type TestContext, test } from "node:test";
import { Etcd3 } from "etcd3";
import { systemClock } from "#shared/clock.ts";
import { silentLog } from "#shared/log.ts";
import { openEtcd } from "#shared/ports/store/etcd.ts";
import { openStore } from "#shared/ports/store/open.ts";
import { create, discard, put, type Store } from "#shared/ports/store/store.ts";
import { startEtcd, startEtcdCluster, type TestEtcd } from "../../../support/etcd.ts";
import { openLink } from "../../../support/link.ts";
import { MIRRORED, mirrored, rejectsAs, usableAfter } from "./world.ts";

async function openOn(t: TestContext, hosts: string[], deadline_ms = 2000): Promise<Store> {
  const backend = openEtcd({ hosts, prefix: `/${t.name}`, deadline_ms });
  const store = await openStore({
    backend,
    mirrored: MIRRORED,
    node: "sf-1",
    clock: systemClock,
    log: silentLog,
  });
  t.after(() => store.close());
  return store;
}

describe("store behind a network", { timeout: 60_000 }, async () => {
  const etcd = await startEtcd();
  after(() => etcd.stop());

  async function linked(t: TestContext) {
    const link = await openLink(etcd.host);
    const [far, near] = await Promise.all([openOn(t, [link.host], 600), openOn(t, [etcd.host])]);
    t.after(() => link.close());
    return { link, far, near };
  }

  async function compact(store: Store): Promise<void> {
    const client = new Etcd3({ hosts: etcd.host });
    await client.kv.compact({ revision: await store.commit([put("event/last", 1)]), physical: true });
    client.close();
  }

  test("a link cut while the store changes and is compacted: the mirror catches up at once", async (t) => {
    const { link, far, near } = await linked(t);
    await near.commit([create("thing/kept", 1), create("thing/gone", 1), create("thing/changed", 1)]);
    await mirrored(far, "thing/gone", true);
    const told: string[] = [];
    far.mirror.watch("thing/", ({ key, after }) => told.push(`${key} ${after?.value ?? "gone"}`));
    link.cut();
    await rejectsAs("unavailable", far.get("thing/kept"));
    for (let round = 0; round < 20; round++) await near.commit([put("thing/changed", round)]);
    await near.commit([discard("thing/gone"), create("thing/new", "new")]);
    await compact(near);
    assert.equal(far.mirror.get("thing/gone")?.value, 1);
    link.mend();
    const took = await usableAfter(far, "event/probe");
    await mirrored(far, "thing/new", true, 1000);
    assert.ok(took < 1000, `usable after ${took} ms`);
    assert.deepEqual(told, ["thing/gone gone", "thing/changed 19", "thing/new new"]);
    assert.deepEqual(far.mirror.list("thing/"), await near.list("thing/"));
  });

  test("a silent link: unavailable in time, and usable soon after though the old connection stays dead", async (t) => {
    const { link, far, near } = await linked(t);
    const lease = await far.lease(4);
    await far.commit([create("thing/mine", 1, lease)]);
    link.silence();
    await rejectsAs("unavailable", far.get("thing/mine"));
    await near.commit([create("thing/new", 1)]);
    await systemClock.sleep(1500);
    assert.ok(far.mirror.stale_ms() > 1000);
    link.mend();
    const took = await usableAfter(far, "event/probe");
    await mirrored(far, "thing/new", true, 1000);
    assert.ok(took < 1500, `usable after ${took} ms`);
    await assert.rejects(mirrored(near, "thing/mine", false, 3500), "the lease was renewed in time");
    assert.equal(lease.lost.aborted, false);
  });

  test("a watch from a compacted revision: says so", async (t) => {
    const store = await openOn(t, [etcd.host]);
    await compact(store);
    const backend = openEtcd({ hosts: [etcd.host], prefix: "/x" });
    t.after(() => backend.close());
    const reason = await new Promise((resolve) => {
      backend.watch(1, { changed: () => undefined, lost: resolve }).catch(resolve);
    });
    assert.match(String(reason), /compacted/);
  });
});

describe("store on three members", { timeout: 90_000 }, async () => {
  const cluster = await startEtcdCluster(3);
  after(() => Promise.all(cluster.map((etcd) => etcd.stop())));
  const hosts = cluster.map(({ host }) => host);
  const [first, second, third] = cluster as [TestEtcd, TestEtcd, TestEtcd];

  async function outage(t: TestContext, fail: () => unknown): Promise<Store> {
    const [store, other] = await Promise.all([openOn(t, hosts), openOn(t, [third.host, second.host])]);
    await store.commit([create("thing/1", 1)]);
    await fail();
    assert.equal((await store.get("thing/1"))?.value, 1);
    const took = await usableAfter(store, "thing/2");
    assert.ok(took < 5000, `usable after ${took} ms`);
    await other.commit([put("thing/3", 1)]);
    await mirrored(store, "thing/3", true, 6000);
    return store;
  }

  test("the member in use dies: the others are asked, and the watch moves", async (t) => {
    await outage(t, () => first.kill());
    await first.restart();
  });

  test("the member in use freezes: the others are asked, and the watch moves", async (t) => {
    const store = await outage(t, () => first.freeze());
    first.thaw();
    await mirrored(store, "thing/3", true);
  });

  test("two members die: unavailable, until one is back", async (t) => {
    const store = await openOn(t, hosts);
    await store.commit([create("thing/1", 1)]);
    await Promise.all([first.kill(), second.kill()]);
    await rejectsAs("unavailable", store.commit([put("thing/1", 2)]));
    assert.equal(store.mirror.get("thing/1")?.value, 1);
    await first.restart();
    const took = await usableAfter(store, "thing/2");
    assert.ok(took < 3000, `usable after ${took} ms`);
  });
});
