// Nodes that go away, come back, or are removed, and what becomes of their instances.
import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { Event, Instance, Network, NetworkInterface } from "#shared/api/types.ts";
import { CloudError } from "#shared/errors.ts";
import type { InstanceRecord } from "#shared/instances/record.ts";
import { type FakeCloud, type FakeCloudOptions, fakeCloud, small } from "../support/fake-cloud.ts";

const SECOND = { name: "sf-2", ip: "10.255.0.2" };
const CONFIG = { NETWORK_NODE_IP: "10.255.0.1", API_ASYNC_WAIT: "1" };

/** Two nodes of one cloud: the first is the network node. */
async function open(t: TestContext, options: FakeCloudOptions = {}) {
  const f = await fakeCloud({ ...options, config: { ...CONFIG, ...options.config } });
  t.after(() => f.close());
  const opening = { memory: f.memory, node: SECOND, config: { ...CONFIG, ...options.config } };
  let second: FakeCloud | undefined = await fakeCloud(opening);
  t.after(() => second?.close());
  const { uuid: network_uuid } = await f.call<Network>("POST", "/networks", { netblock: "10.0.0.0/24" });
  const make = (more: object = {}) =>
    f.call<Instance>(
      "POST",
      "/instances",
      small({ placed_on: "sf-2", network: [{ network_uuid }], ...more }),
    );
  return {
    f,
    network_uuid,
    make,
    get second(): FakeCloud {
      return second ?? assert.fail("sf-2 is away");
    },
    /** As a loss of power, but for the time that its lease lasts. */
    async leave() {
      await second?.close();
      second = undefined;
      await gone(f);
    },
    async join(more: FakeCloudOptions = {}) {
      second = await fakeCloud({ ...opening, ...more });
      return second;
    },
  };
}

async function gone(f: FakeCloud): Promise<void> {
  const { mirror } = f.cloud.store;
  const isGone = () => mirror.get("presence/sf-2") === undefined || undefined;
  assert.ok(await mirror.until("presence/", isGone, 5000));
}

async function schedule(f: FakeCloud, name: string): Promise<void> {
  const found = f.table.schedules.find((each) => each.name === name) ?? assert.fail(name);
  await found.definition.run({ cloud: f.cloud, signal: new AbortController().signal });
}

const shown = (f: FakeCloud, uuid: string) => f.call<Instance>("GET", `/instances/${uuid}`);

const told = async (f: FakeCloud, path: string): Promise<string[]> =>
  (await f.call<Event[]>("GET", `${path}/events`)).map(({ operation, phase }) =>
    phase === null ? String(operation) : `${operation} ${phase}`,
  );

/** Keys in which the node's name, or one of the words, stands. */
const mentions = (f: FakeCloud, ...words: string[]): string[] =>
  [...f.everything().keys()].filter((key) => words.some((word) => key.split("/").includes(word))).sort();

async function refused(f: FakeCloud, path: string, status: number, words: RegExp | string): Promise<void> {
  const { status: got, body } = await f.ask("DELETE", path);
  const { error } = body as { error: string };
  assert.equal(got, status, error);
  if (typeof words === "string") assert.equal(error, words);
  else assert.match(error, words);
}

describe("a node that is away", () => {
  it("its guests: have a power that is unknown, with the reason; the records say what to bring back", async (t) => {
    const c = await open(t);
    const [there, away] = [await c.make({ placed_on: "sf-1" }), await c.make()];
    assert.equal("power_state_reason" in (await shown(c.f, away.uuid)), false);
    await c.leave();
    const { state, power_state, power_state_reason } = await shown(c.f, away.uuid);
    assert.deepEqual([state, power_state, power_state_reason], ["created", "unknown", "node sf-2 is away"]);
    const list = await c.f.call<Instance[]>("GET", "/instances");
    const powers = new Map(list.map((each) => [each.uuid, [each.power_state, each.power_state_reason]]));
    assert.deepEqual(powers.get(away.uuid), ["unknown", "node sf-2 is away"]);
    assert.deepEqual(powers.get(there.uuid), ["on", undefined]);
    assert.equal(c.f.value<InstanceRecord>(`instance/${away.uuid}`).power_state, "on");
    await c.join();
    const isBack = () => c.f.cloud.store.mirror.get("presence/sf-2") !== undefined || undefined;
    assert.ok(await c.f.cloud.store.mirror.until("presence/", isBack, 5000));
    assert.equal((await shown(c.f, away.uuid)).power_state, "on");
    const again = await c.f.call<Instance[]>("GET", "/instances");
    assert.deepEqual(
      again.map((each) => each.power_state),
      ["on", "on"],
    );
  });

  it("answers about its guests: are made once, as those about others are", async (t) => {
    const c = await open(t);
    const { uuid } = await c.make();
    await c.f.idle();
    for (const path of ["/instances", `/instances/${uuid}`]) {
      const authorization = await c.f.authorization("system");
      const ask = async () =>
        (await c.f.dispatch(c.f.cloud, { method: "GET", path, authorization, body: "", id: "1" })).body;
      assert.equal(await ask(), await ask());
    }
    await c.leave();
    for (const path of ["/instances", `/instances/${uuid}`]) {
      const authorization = await c.f.authorization("system");
      const ask = async () =>
        (await c.f.dispatch(c.f.cloud, { method: "GET", path, authorization, body: "", id: "1" })).body;
      assert.equal(await ask(), await ask());
    }
  });

  it("its going and its return: are one event each, however often it is looked", async (t) => {
    const c = await open(t);
    await c.leave();
    for (let turn = 0; turn < 3; turn++) await schedule(c.f, "nodes/presence");
    const second = await c.join();
    for (let turn = 0; turn < 3; turn++)
      for (const each of [c.f, second]) await schedule(each, "nodes/presence");
    const events = (await told(c.f, "/nodes/sf-2")).filter((each) => /^(away|back)/.test(each));
    assert.deepEqual(events, ["away", "back"]);
  });

  it("one that is removed just as its going is told: nothing of it stays behind", async (t) => {
    const c = await open(t);
    await c.leave();
    const { store } = c.f.cloud;
    const { commit } = store;
    store.commit = async (changes) => {
      if (changes.some(({ key }) => key === "away/sf-2")) {
        store.commit = commit;
        await c.f.call("DELETE", "/nodes/sf-2");
      }
      return commit.call(store, changes);
    };
    await schedule(c.f, "nodes/presence");
    assert.equal(store.commit, commit);
    assert.deepEqual(mentions(c.f, "sf-2"), ["lost/sf-2"]);
  });

  it("DELETE of a guest: is answered in time, says nothing that is not so, and is done on its return", async (t) => {
    const c = await open(t);
    const { uuid } = await c.make();
    await c.leave();
    assert.equal(await c.f.call("DELETE", `/instances/${uuid}`), null);
    const { state, power_state } = await shown(c.f, uuid);
    assert.deepEqual([state, power_state], ["created", "unknown"]);
    const job = `job/sf-2/instances.delete.${uuid}`;
    const asked = c.f.value<{ created: number }>(job);
    // Longer ago than a deletion may take.
    await c.f.cloud.store.commit([{ key: job, write: { put: { ...asked, created: asked.created - 7200 } } }]);
    const second = await c.join();
    await second.idle();
    assert.equal((await shown(second, uuid)).state, "deleted");
    assert.deepEqual(mentions(c.f, "port", "mac"), []);
  });
});

describe("DELETE /nodes/{node}", () => {
  it("one that is not known, one that is there, and the network node: are refused with what to do", async (t) => {
    const c = await open(t);
    await refused(c.f, "/nodes/sf-9", 404, "node sf-9 not found");
    await refused(c.f, "/nodes/sf-2", 409, "node sf-2: is still there: stop it first");
    await refused(c.f, "/nodes/sf-1", 409, /^node sf-1: is the network node, .*SHAKENFIST_NETWORK_NODE_IP/);
    const { status } = await c.f.ask("DELETE", "/nodes/sf-2", undefined, "alice");
    assert.equal(status, 401);
  });

  it("one that is away: its instances are errors with the reason, and nothing is held any more", async (t) => {
    const c = await open(t);
    const [one, two, other] = [await c.make(), await c.make(), await c.make({ placed_on: "sf-1" })];
    const [nic] = await c.f.call<NetworkInterface[]>("GET", `/instances/${one.uuid}/interfaces`);
    await c.f.call("POST", `/interfaces/${nic?.uuid}/float`);
    await c.leave();
    const lost = await c.f.call<string[]>("DELETE", "/nodes/sf-2");
    assert.deepEqual(lost.sort(), [one.uuid, two.uuid].sort());
    for (const { uuid } of [one, two]) {
      const { state, error_message, power_state } = await shown(c.f, uuid);
      assert.deepEqual([state, error_message, power_state], ["error", "node sf-2 was removed", "off"]);
    }
    assert.deepEqual(mentions(c.f, "sf-2"), [`carrier/sf-2/${c.network_uuid}`, "lost/sf-2"]);
    assert.deepEqual([mentions(c.f, "mac").length, mentions(c.f, "floating")], [1, []]);
    const used = mentions(c.f, c.network_uuid).filter((key) => key.startsWith("address/"));
    const [living] = await c.f.call<NetworkInterface[]>("GET", `/instances/${other.uuid}/interfaces`);
    assert.deepEqual(used, [`address/${c.network_uuid}/${living?.ipv4}`]);
    assert.equal((await shown(c.f, other.uuid)).power_state, "on");
    await refused(c.f, "/nodes/sf-2", 404, "node sf-2 not found");
  });

  it("one whose instance was being deleted: that one is deleted", async (t) => {
    const c = await open(t);
    const { uuid } = await c.make();
    await c.leave();
    await c.f.call("DELETE", `/instances/${uuid}`);
    await c.f.call("DELETE", "/nodes/sf-2");
    assert.equal((await shown(c.f, uuid)).state, "deleted");
    assert.deepEqual(mentions(c.f, "job"), []);
  });

  it("lost instances: can be deleted, and are forgotten by the network node", async (t) => {
    const c = await open(t);
    const [one, two] = [await c.make(), await c.make()];
    await c.leave();
    await c.f.call("DELETE", "/nodes/sf-2");
    assert.equal(await c.f.call("DELETE", `/instances/${one.uuid}`), null);
    assert.equal((await shown(c.f, one.uuid)).state, "deleted");
    assert.deepEqual(mentions(c.f, "job"), []);
    c.f.clock.advance(c.f.cloud.config.CLEANER_DELAY + 1);
    await schedule(c.f, "instances/clean-up");
    assert.deepEqual(mentions(c.f, "instance", "interface"), []);
    assert.equal((await c.f.ask("GET", `/instances/${two.uuid}`)).status, 404);
  });

  it("cut off at any of its transactions: the network node ends it, and the node cannot join before", async (t) => {
    for (let cut = 2; ; cut++) {
      const c = await open(t);
      const [one, two] = [await c.make(), await c.make()];
      await c.leave();
      const { store } = c.f.cloud;
      const { commit } = store;
      let commits = 0;
      store.commit = (changes) =>
        changes.some(({ key }) => /^(event|lock)/.test(key)) || ++commits < cut
          ? commit.call(store, changes)
          : Promise.reject(new CloudError("unavailable", "store: cut off"));
      const { status } = await c.f.ask("DELETE", "/nodes/sf-2");
      store.commit = commit;
      if (status === 200) return assert.ok(cut > 4, String(cut));
      assert.equal(status, 503);
      await assert.rejects(
        c.join(),
        /is being removed; it can join again once DELETE \/nodes\/sf-2 has ended/,
      );
      await schedule(c.f, "nodes/removal");
      for (const { uuid } of [one, two])
        assert.equal((await shown(c.f, uuid)).error_message, "node sf-2 was removed");
      assert.deepEqual(mentions(c.f, "sf-2"), [`carrier/sf-2/${c.network_uuid}`, "lost/sf-2"]);
      await c.f.close();
    }
  });

  it("a create that had chosen the node: loses against its removal", async (t) => {
    const c = await open(t);
    await c.leave();
    const claim = () => c.f.cloud.store.mirror.get("claim/sf-2")?.revision ?? 0;
    const before = claim();
    const { store } = c.f.cloud;
    const { clear } = store;
    let marked = 0;
    store.clear = async (prefix) => {
      marked ||= claim();
      await clear.call(store, prefix);
    };
    await c.f.call("DELETE", "/nodes/sf-2");
    assert.ok(marked > before);
  });

  it("a machine that comes back: joins as new, and ends the guests that were lost, no others", async (t) => {
    const c = await open(t);
    const uuids = [(await c.make()).uuid, (await c.make()).uuid] as [string, string];
    const machine = c.second;
    const domains = uuids.map((uuid) => machine.hypervisor.definitionOf(uuid) ?? assert.fail());
    await c.leave();
    await c.f.call("DELETE", "/nodes/sf-2");
    c.f.clock.advance(c.f.cloud.config.CLEANER_DELAY + 1);
    const [first] = uuids;
    await c.f.cloud.store.clear(`instance/${first}`);
    const second = await c.join();
    for (const xml of domains) await second.hypervisor.define(xml);
    for (const uuid of uuids) await second.hypervisor.start(uuid);
    const unknown = crypto.randomUUID();
    await second.hypervisor.define((domains[0] ?? "").replaceAll(first, unknown));
    second.hypervisor.addForeign("another");
    const own = await c.make();
    await second.idle();
    await schedule(second, "instances/clean-up");
    const left = (await second.hypervisor.listDomains()).map(({ uuid }) => uuid).sort();
    assert.deepEqual(left, [own.uuid, unknown].sort());
    assert.deepEqual(mentions(c.f, "lost"), []);
    assert.ok(!existsSync(join(second.cloud.config.STORAGE_PATH, "instances", first)));
    assert.equal((await shown(c.f, own.uuid)).power_state, "on");
  });

  it("strays: libvirt that cannot be asked, or a store that cannot, ends nothing", async (t) => {
    const c = await open(t);
    const { uuid } = await c.make();
    c.second.hypervisor.goAway();
    await assert.rejects(schedule(c.second, "instances/clean-up"));
    c.second.hypervisor.comeBack();
    assert.equal((await c.second.hypervisor.getDomain(uuid))?.power, "on");
  });
});
