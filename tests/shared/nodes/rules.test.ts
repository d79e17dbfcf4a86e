// The rules of placement one by one, over nodes of which there are but the records.
import { strict as assert } from "node:assert";
import { describe, it, type TestContext } from "node:test";
import type { Event, Instance, Network } from "#shared/api/types.ts";
import { isKind } from "#shared/errors.ts";
import { imageKey, imageRef } from "#shared/images/record.ts";
import { setCordon } from "#shared/nodes/cordon.ts";
import { chooseNode } from "#shared/nodes/placement.ts";
import { type Capacity, nodeKey, type Presence, presenceKey } from "#shared/nodes/record.ts";
import { discard, put } from "#shared/ports/store/store.ts";
import { PLENTY } from "../../support/capacity.ts";
import { type FakeCloud, fakeCloud, small } from "../../support/fake-cloud.ts";
import { refuses } from "../../support/refusals.ts";

type Given = Record<string, Partial<Capacity>>;

/** The node that is asked is the network node, and lies idle; nothing is ever started. */
async function cloudOf(
  t: TestContext,
  nodes: Given,
  config: Record<string, string> = {},
): Promise<FakeCloud> {
  const f = await fakeCloud({
    works: false,
    config: { API_ASYNC_WAIT: "0", NETWORK_NODE_IP: "10.255.0.1", RAM_SYSTEM_RESERVATION: "0", ...config },
  });
  t.after(() => f.close());
  for (const [name, capacity] of Object.entries(nodes)) await addNode(f, name, capacity);
  return f;
}

async function addNode(f: FakeCloud, name: string, capacity: Partial<Capacity>): Promise<void> {
  const record = { name, ip: `10.255.1.${name.slice(3)}`, version: "0", lastseen: 0 };
  await f.cloud.store.commit([put(nodeKey(name), record), measuredAt(f, name, capacity, 0)]);
}

const measuredAt = (f: FakeCloud, name: string, capacity: Partial<Capacity>, after_s: number) => {
  const measured = f.cloud.clock.now() + after_s;
  return put(presenceKey(name), { ...PLENTY, ...capacity, installation: name, measured } satisfies Presence);
};

const post = (f: FakeCloud, more: object = {}) => f.call<Instance>("POST", "/instances", small({ ...more }));
const refusesPost = (f: FakeCloud, more: object, words: string) =>
  refusedAnyway(f, ["POST", "/instances", small({ ...more })], words);

async function refusedAnyway(f: FakeCloud, request: [string, string, object], words: string): Promise<void> {
  const { status, body } = await f.ask(...request);
  assert.deepEqual([status, (body as { error: string }).error], [507, words]);
}

async function nodesChosen(f: FakeCloud, more: object, times = 12): Promise<string[]> {
  const made = [];
  for (let count = 0; count < times; count++) made.push((await post(f, more)).node);
  return [...new Set(made)].sort();
}

async function trailOf(f: FakeCloud, { uuid }: Instance): Promise<[string | null, string | null][]> {
  const events = await f.call<Event[]>("GET", `/instances/${uuid}/events`);
  return events
    .filter(({ operation }) => operation === "schedule")
    .map(({ phase, message }) => [phase, message] as [string | null, string | null]);
}

const network = (f: FakeCloud, name: string) =>
  f.call<Network>("POST", "/networks", { name, netblock: "10.0.0.0/24" });

describe("the rules of placement", () => {
  it("no node fits: each is named with its reason", async (t) => {
    const f = await cloudOf(t, {
      "sf-2": { memory_available_mib: 512 },
      "sf-3": { disk_free_gib: 3 },
      "sf-4": { cpu_max: 1 },
      "sf-5": {},
      "sf-6": {},
    });
    await f.call("POST", "/nodes/sf-1/cordon");
    await f.cloud.store.commit([discard(presenceKey("sf-5"))]);
    const six = f.value<object>(nodeKey("sf-6"));
    await f.cloud.store.commit([put(nodeKey("sf-6"), { ...six, removing: true })]);
    const reasons = [
      ...["sf-1 is cordoned", "sf-2 lacks 512 MiB of memory", "sf-3 lacks 5 GiB of disk space"],
      ...["sf-4 takes at most 1 vCPUs an instance", "sf-5 is away", "sf-6 is being removed"],
    ];
    const words = `No nodes with enough disk space: no node fits: ${reasons.join(", ")}`;
    await refuses(f, ["POST", "/instances", small({ cpus: 2, memory: 1024 })], 507, words);
  });

  it("no node of very many fits: ten are named, the others counted", async (t) => {
    const names = Array.from({ length: 20 }, (_, at) => `sf-${at + 10}`);
    const f = await cloudOf(t, Object.fromEntries(names.map((name) => [name, {}])));
    const { body } = await f.ask("POST", "/instances", small({ cpus: 9 }));
    assert.match((body as { error: string }).error, /^Requested vCPUs .*sf-18 [^,]*, and 11 more$/);
  });

  it("a node that is cordoned: is not chosen, also when it is asked for", async (t) => {
    const f = await cloudOf(t, { "sf-2": {}, "sf-3": {} });
    await f.call("POST", "/nodes/sf-2/cordon");
    assert.deepEqual(await nodesChosen(f, {}), ["sf-3"]);
    const words = "No nodes with metrics: the node that is asked for does not fit: sf-2 is cordoned";
    await refusesPost(f, { placed_on: "sf-2" }, words);
    await f.call("POST", "/nodes/sf-2/uncordon");
    assert.equal((await post(f, { placed_on: "sf-2" })).node, "sf-2");
  });

  it("a node that is cordoned after it was chosen: the create loses, and chooses again", async (t) => {
    const f = await cloudOf(t, {});
    const need = { cpus: 1, memory_mib: 1, disk_gib: 1 };
    const wish = { need, placedOn: undefined, unsettled: new Map(), networks: undefined, images: new Map() };
    const { changes } = chooseNode(f.cloud, wish);
    await setCordon(f.cloud, "sf-1", true);
    await assert.rejects(f.cloud.store.commit(changes), (error) => isKind(error, "conflict"));
    assert.throws(() => chooseNode(f.cloud, wish), /sf-1 is cordoned/);
  });

  it("instances that are not created yet: count against what is free (fault 41)", async (t) => {
    const f = await cloudOf(t, { "sf-2": { memory_available_mib: 2048, disk_free_gib: 20 } });
    await f.call("POST", "/nodes/sf-1/cordon");
    await post(f, { memory: 1500 });
    const memory =
      "No nodes with enough idle RAM: no node fits: sf-1 is cordoned, sf-2 lacks 952 MiB of memory";
    await refusesPost(f, { memory: 1500 }, memory);
    const disk =
      "No nodes with enough disk space: no node fits: sf-1 is cordoned, sf-2 lacks 1 GiB of disk space";
    await refusesPost(f, { disk: [{ size: 13 }] }, disk);
    await post(f, { memory: 548, disk: [{ size: 12 }] });
  });

  it("an instance that came after its node was looked at: counts until it is looked at again", async (t) => {
    const capacity = { memory_available_mib: 2048 };
    const f = await cloudOf(t, { "sf-2": capacity });
    await f.call("POST", "/nodes/sf-1/cordon");
    const { uuid } = await post(f, { memory: 1500 });
    const record = f.value<object>(`instance/${uuid}`);
    const created = { ...record, state: "created", state_updated: f.cloud.clock.now() };
    await f.cloud.store.commit([put(`instance/${uuid}`, created)]);
    const { status } = await f.ask("POST", "/instances", small({ memory: 1500 }));
    assert.equal(status, 507);
    await f.cloud.store.commit([measuredAt(f, "sf-2", capacity, 1)]);
    await post(f, { memory: 1500 });
  });

  it("networks: the node with most of those that are wanted", async (t) => {
    const f = await cloudOf(t, { "sf-2": {}, "sf-3": {}, "sf-4": {} });
    const [one, other] = [await network(f, "one"), await network(f, "other")];
    const nics = (...those: Network[]) => ({ network: those.map(({ uuid }) => ({ network_uuid: uuid })) });
    await post(f, { ...nics(one), placed_on: "sf-2" });
    await post(f, { ...nics(one, other), placed_on: "sf-3" });
    assert.deepEqual(await nodesChosen(f, nics(one, other)), ["sf-3"]);
    assert.deepEqual(await nodesChosen(f, nics(one)), ["sf-2", "sf-3"]);
    assert.deepEqual(await nodesChosen(f, {}, 30), ["sf-2", "sf-3", "sf-4"]);
  });

  it("networks: one alone on the network node alone draws nothing there, two do", async (t) => {
    const f = await cloudOf(t, { "sf-2": {} });
    const [one, other] = [await network(f, "one"), await network(f, "other")];
    const nics = (...those: Network[]) => ({ network: those.map(({ uuid }) => ({ network_uuid: uuid })) });
    await post(f, { ...nics(one, other), placed_on: "sf-1" });
    assert.deepEqual(await nodesChosen(f, nics(one), 1), ["sf-2"]);
    assert.deepEqual(await nodesChosen(f, nics(one, other)), ["sf-1"]);
  });

  it("base images: the node that has most of them at hand, shorthands too (fault 40)", async (t) => {
    const f = await cloudOf(t, { "sf-2": {}, "sf-3": {} });
    const url = "http://images.example.com/a.qcow2";
    const cirros = f.cloud.config.DOWNLOAD_URL_CIRROS.replaceAll("%(vernum)s", "0.5.1");
    const has = (node: string, what: string) => {
      const ref = imageRef(what);
      return put(imageKey(node, ref), { url: what, ref, node });
    };
    const latest = put("image_latest/cirros", { vernum: "0.5.1", vername: "0.5.1", index: "", fetched: 0 });
    await f.cloud.store.commit([has("sf-2", url), has("sf-3", url), has("sf-3", cirros), latest]);
    const disks = (...bases: string[]) => ({ disk: bases.map((base) => ({ size: 8, base })) });
    for (const base of ["cirros", "cirros:0.5.1", cirros])
      assert.deepEqual(await nodesChosen(f, disks(url, base)), ["sf-3"], base);
    assert.deepEqual(await nodesChosen(f, disks(url, url), 30), ["sf-2", "sf-3"]);
    assert.deepEqual(await nodesChosen(f, disks(`${url}2`), 30), ["sf-2", "sf-3"]);
  });

  it("the network node: only when it alone is left", async (t) => {
    const f = await cloudOf(t, { "sf-2": { cpu_max: 2 } });
    assert.deepEqual(await nodesChosen(f, {}), ["sf-2"]);
    assert.deepEqual(await nodesChosen(f, { cpus: 3 }), ["sf-1"]);
  });

  it("the choice: stands in the instance's history, rule by rule", async (t) => {
    const f = await cloudOf(t, { "sf-2": {}, "sf-3": { disk_free_gib: 1 } });
    const { uuid: network_uuid } = await network(f, "net");
    const made = await post(f, { network: [{ network_uuid }] });
    const [all, fitting] = ["['sf-1', 'sf-2', 'sf-3']", "['sf-1', 'sf-2']"];
    assert.deepEqual(await trailOf(f, made), [
      ["start", null],
      ["Initial candidates", all],
      ["Have enough actual CPU", all],
      ["Have enough idle CPU", all],
      ["Have enough idle RAM", all],
      ["Have enough idle disk", fitting],
      ["Have most matching networks", fitting],
      ["Have most matching images", fitting],
      ["Are non-network nodes", "['sf-2']"],
      ["finish", null],
    ]);
    const forced = await trailOf(f, await post(f, { placed_on: "sf-1" }));
    assert.deepEqual(forced[1], ["Forced candidates", "['sf-1']"]);
    assert.deepEqual(forced.at(-2), ["Have most matching images", "['sf-1']"]);
  });
});
