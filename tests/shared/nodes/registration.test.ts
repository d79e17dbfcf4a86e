import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { isKind } from "#shared/errors.ts";
import { keepPresence } from "#shared/nodes/presence.ts";
import {
  type Metrics,
  metricsKey,
  type NodeRecord,
  nodeAddressKey,
  nodeKey,
  type Presence,
  presenceKey,
} from "#shared/nodes/record.ts";
import { put } from "#shared/ports/store/store.ts";
import { eventually } from "../../support/await.ts";
import { PLENTY } from "../../support/capacity.ts";
import { fakeCloud, VERSION } from "../../support/fake-cloud.ts";

const SECOND = { name: "sf-2", ip: "10.255.0.2" };

const refusedWith = (words: RegExp) => (error: unknown) => {
  assert.ok(isKind(error, "conflict"), String(error));
  assert.match(error.message, words);
  return true;
};

describe("registration of a node", () => {
  it("the name of another node that is alive: is refused, saying where it is and what to do", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    const ours = f.value<Presence>(presenceKey("sf-1"));
    await assert.rejects(
      fakeCloud({ memory: f.memory, node: { name: "sf-1", ip: "10.255.0.7" } }),
      refusedWith(
        /^node name sf-1: another node that is alive has it, at 10\.255\.0\.1; set SHAKENFIST_NODE_NAME/,
      ),
    );
    assert.deepEqual(f.value(presenceKey("sf-1")), ours);
    assert.equal(f.value<NodeRecord>(nodeKey("sf-1")).ip, "10.255.0.1");
  });

  it("the address of another node that is alive: is refused, naming it", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    await assert.rejects(
      fakeCloud({ memory: f.memory, node: { name: "sf-2", ip: "10.255.0.1" } }),
      refusedWith(/^node address 10\.255\.0\.1: node sf-1, which is alive, has it; set SHAKENFIST_NODE_IP/),
    );
    assert.equal(f.cloud.store.mirror.get(nodeKey("sf-2")), undefined);
  });

  it("of two that begin at once with one name: one registers", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    const both = await Promise.allSettled([1, 2].map(() => fakeCloud({ memory: f.memory, node: SECOND })));
    const [good, bad] = ["fulfilled", "rejected"].map((it) => both.filter(({ status }) => status === it));
    for (const each of both) if (each.status === "fulfilled") t.after(() => each.value.close());
    assert.deepEqual([good?.length, bad?.length], [1, 1]);
  });

  it("a name and an address of a node that has left: are free", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    const gone = await fakeCloud({ memory: f.memory, node: SECOND });
    await gone.close();
    const next = await fakeCloud({ memory: f.memory, node: SECOND });
    t.after(() => next.close());
    assert.notEqual(f.value<Presence>(presenceKey("sf-2")).installation, "");
  });

  it("a node that was killed: is known again at once, its own former presence is in nobody's way", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    const { installation } = f.value<Presence>(presenceKey("sf-1"));
    // As the presence stands while the lease of the process that was killed has not run out.
    const leftBehind = await f.cloud.store.lease(60);
    const before = { ...PLENTY, installation, measured: 0 };
    await f.cloud.store.commit([
      put(presenceKey("sf-1"), before, leftBehind),
      put(nodeAddressKey("10.255.0.1"), { name: "sf-1", installation }, leftBehind),
    ]);
    await f.cloud.store.commit([put("node/sf-1", { ...f.value<NodeRecord>("node/sf-1"), cordoned: true })]);
    const again = await f.restart();
    t.after(() => again.close());
    assert.ok(again.value<Presence>(presenceKey("sf-1")).measured > 0);
    assert.equal(again.value<NodeRecord>("node/sf-1").cordoned, true);
  });

  for (const [node, words] of [
    [{ name: "rack/1", ip: SECOND.ip }, /SHAKENFIST_NODE_NAME: 'rack\/1' must be/],
    [{ name: "sf-2", ip: "10.255.0" }, /SHAKENFIST_NODE_IP: '10\.255\.0' is not an IPv4 address/],
  ] as const)
    it(`a node ${node.name} at ${node.ip}: is refused, naming the setting`, async () => {
      await assert.rejects(fakeCloud({ node }), words);
    });

  it("a node that is being removed: is refused", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    await f.cloud.store.commit([
      put(nodeKey("sf-2"), { ...SECOND, version: "", lastseen: 0, removing: true }),
    ]);
    await assert.rejects(
      fakeCloud({ memory: f.memory, node: SECOND }),
      refusedWith(/sf-2: is being removed/),
    );
  });
});

describe("the presence of a node", () => {
  it("publish: writes the metrics, and the capacity only when it has changed or is asked for", async (t) => {
    const capacity = { ...PLENTY };
    const f = await fakeCloud({ capacity });
    t.after(() => f.close());
    const revision = () => f.cloud.store.mirror.get(presenceKey("sf-1"))?.revision;
    const first = revision();
    await f.cloud.presence.publish({ cpu_load_1: 1 }, false);
    const { updated_at, ...published } = f.value<Metrics>(metricsKey("sf-1"));
    assert.deepEqual(published, { cpu_load_1: 1 });
    assert.ok(Number(updated_at) > 0);
    assert.equal(revision(), first);
    await f.cloud.presence.publish({}, true);
    const second = revision();
    assert.notEqual(second, first);
    capacity.disk_free_gib = 1;
    await f.cloud.presence.publish({}, false);
    assert.notEqual(revision(), second);
    assert.equal(f.value<Presence>(presenceKey("sf-1")).disk_free_gib, 1);
  });

  it("publish: notes from time to time when the node was last seen, and keeps the rest of its record", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    await f.call("POST", "/nodes/sf-1/cordon");
    const { lastseen } = f.value<NodeRecord>(nodeKey("sf-1"));
    await f.cloud.presence.publish({}, false);
    assert.equal(f.value<NodeRecord>(nodeKey("sf-1")).lastseen, lastseen);
    f.clock.advance(60);
    await f.cloud.presence.publish({}, false);
    const record = f.value<NodeRecord>(nodeKey("sf-1"));
    assert.ok(record.lastseen >= lastseen + 60);
    assert.equal(record.cordoned, true);
  });

  it("a lease that is lost while the node registers again: it registers once more", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    const { store, clock, log } = f.cloud;
    const { lease, commit } = store;
    const losses: AbortController[] = [];
    store.lease = async (ttl_s) => {
      const real = await lease.call(store, ttl_s);
      const loss = new AbortController();
      losses.push(loss);
      return { id: real.id, lost: loss.signal, release: () => real.release() };
    };
    store.commit = async (changes) => {
      const revision = await commit.call(store, changes);
      if (losses.length === 2) losses[1]?.abort();
      return revision;
    };
    const keeper = await keepPresence({
      ...{ store, clock, log, node: SECOND, version: VERSION, installation: "second" },
      readCapacity: async () => PLENTY,
    });
    losses[0]?.abort();
    await eventually("it has asked for a third lease", 10_000, async () => losses.length === 3 || undefined);
    await keeper.close();
  });

  it("a node that leaves: its metrics and its address go with its presence", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    const other = await fakeCloud({ memory: f.memory, node: SECOND });
    await other.cloud.presence.publish({ cpu_load_1: 1 }, false);
    await other.close();
    const keys = [presenceKey("sf-2"), metricsKey("sf-2"), nodeAddressKey(SECOND.ip)];
    await eventually("nothing of the node is left", 10_000, async () => {
      const left = await Promise.all(keys.map((key) => f.cloud.store.get(key)));
      return left.every((each) => each === undefined) || undefined;
    });
  });
});
