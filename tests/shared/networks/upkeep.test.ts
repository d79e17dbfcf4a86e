// What a node mends and tells of, what its guests may send, and where they may not go: on fakes.
import { strict as assert } from "node:assert";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Event, Instance, Network, NetworkInterface } from "#shared/api/types.ts";
import { convergeNetwork } from "#shared/networks/converge.ts";
import { keepNetworks, nodeLinks, watchNodes } from "#shared/networks/upkeep.ts";
import { nodeKey } from "#shared/nodes/record.ts";
import type { NetworkPlan } from "#shared/ports/network/network.ts";
import { put } from "#shared/ports/store/store.ts";
import { eventually } from "../../support/await.ts";
import { type FakeCloud, fakeCloud, small } from "../../support/fake-cloud.ts";

const PATIENCE_MS = 5000;

describe("upkeep of networks", () => {
  let f: FakeCloud;
  let uuid: string;
  beforeEach(async () => {
    f = await fakeCloud({ config: { ETCD_HOSTS: "10.8.0.1:2379,http://store:2379,[fd00::1]:2379" } });
    ({ uuid } = await f.call<Network>("POST", "/networks", { netblock: "10.0.0.0/24" }));
    await keep();
  });
  afterEach(() => f.close());

  const keep = () => keepNetworks(f.cloud, new AbortController().signal);
  const makeGuest = () =>
    f.call<Instance>(
      "POST",
      "/instances",
      small({ network: [{ network_uuid: uuid }, { network_uuid: uuid }] }),
    );
  const eventsOf = async (path: string) =>
    (await f.call<Event[]>("GET", path))
      .filter(({ operation }) => operation === "mended" || operation === "mend")
      .map(({ operation, phase, message }) => [operation, phase, message]);
  const told = () => eventsOf(`/networks/${uuid}/events`);
  const addNode = (name: string, ip: string) =>
    f.cloud.store.commit([put(nodeKey(name), { name, ip, version: "", lastseen: 0 })]);
  const refuse = (operation: string, words: string) => {
    f.network.before = (each) => {
      if (each === operation) throw new Error(words);
    };
  };

  it("the upkeep: tells of what it mended, once, and of nothing when nothing was damaged", async () => {
    await keep();
    assert.deepEqual(await told(), []);
    f.network.damage = ["create br-vxlan-1", "restart dhcp"];
    await keep();
    await keep();
    assert.deepEqual(await told(), [["mended", null, "create br-vxlan-1, restart dhcp"]]);
  });

  it("the upkeep: tells also of what was damaged while no process was there to know how it should be", async () => {
    f.network.holds = () => false;
    f.network.damage = ["create vxlan-1"];
    await keep();
    assert.deepEqual(await told(), [["mended", null, "create vxlan-1"]]);
  });

  it("whatever else looks at the network: tells of what was damaged, and not of what is new", async () => {
    await makeGuest();
    assert.deepEqual(await told(), []);
    f.network.damage = ["load rules"];
    await convergeNetwork(f.cloud, uuid);
    assert.deepEqual(await told(), [["mended", null, "load rules"]]);
  });

  it("flushed rules of the guests: are told to the networks of this node's guests", async () => {
    const { uuid: other } = await f.call<Network>("POST", "/networks", { netblock: "10.0.0.0/24" });
    await makeGuest();
    f.network.guest_damage = ["load rules of the guests"];
    await keep();
    assert.deepEqual(await told(), [["mended", null, "load rules of the guests"]]);
    assert.deepEqual(await eventsOf(`/networks/${other}/events`), []);
  });

  it("what a guest may send: is there before it starts, for each of its interfaces, and gone after it", async () => {
    let before: readonly object[] | undefined;
    const start = f.hypervisor.start.bind(f.hypervisor);
    f.hypervisor.start = (instance) => {
      before = f.network.taps;
      return start(instance);
    };
    const guest = await makeGuest();
    const interfaces = await f.call<NetworkInterface[]>("GET", `/instances/${guest.uuid}/interfaces`);
    const taps = interfaces.map((each) => ({
      name: `sf-${each.uuid.replaceAll("-", "").slice(0, 12)}`,
      macaddr: each.macaddr,
      address: each.ipv4,
      also: interfaces.filter((other) => other !== each).map(({ ipv4 }) => ipv4),
    }));
    const byName = (list: readonly { name: string }[] = []) =>
      list.toSorted((a, b) => a.name.localeCompare(b.name));
    assert.equal(taps.length, 2);
    assert.deepEqual(byName(before as typeof taps), byName(taps));
    assert.deepEqual(byName(f.network.plans.get(uuid)?.taps), byName(taps));
    await f.call("DELETE", `/instances/${guest.uuid}`);
    await eventually("no tap is left", PATIENCE_MS, () => f.network.taps.length === 0 || undefined);
  });

  it("what a guest may send: could not be settled: then it does not start", async () => {
    refuse("ensureGuestRules", "nft: no buffer space");
    f.hypervisor.start = () => assert.fail("it was started");
    const { state, error_message } = await makeGuest();
    assert.equal(state, "error");
    assert.match(error_message ?? "", /no buffer space/);
  });

  it("nodes and the store: are off limits for guests, a new node at once", async () => {
    const limits = () => nodeLinks(f.cloud).off_limits;
    assert.deepEqual(limits(), ["10.255.0.1", "10.8.0.1", "fd00::1", "store"]);
    const stop = watchNodes(f.cloud);
    await addNode("sf-2", "10.255.0.2");
    await eventually(
      "the rules know it",
      PATIENCE_MS,
      () => f.network.node?.off_limits?.includes("10.255.0.2") || undefined,
    );
    stop();
  });

  it("nodes and the store: are open to guests when the operator says so", async () => {
    const open = await f.restart({ GUESTS_REACH_NODES: "true" });
    assert.equal(nodeLinks(open.cloud).off_limits, undefined);
    f = open;
  });

  it("the upkeep: what it has no time for is not the same each time", async () => {
    for (let count = 0; count < 3; count++) await f.call("POST", "/networks", { netblock: "10.0.0.0/24" });
    const kept = new Set<unknown>();
    for (let round = 0; round < 200; round++) {
      const over = new AbortController();
      f.network.before = (operation, subject) => {
        if (operation !== "ensure") return;
        kept.add((subject as NetworkPlan).uuid);
        over.abort();
      };
      await keepNetworks(f.cloud, over.signal);
    }
    assert.equal(kept.size, 4);
  });

  it("the upkeep: links of the node that cannot be mended are told of and do not stop the rest", async () => {
    refuse("ensureNode", "nft: broken");
    f.network.damage = ["create vxlan-1"];
    await keep();
    f.network.before = () => {};
    assert.deepEqual(await told(), [["mended", null, "create vxlan-1"]]);
    await f.cloud.events.flush();
    const events = await f.cloud.store.list<Event>(`event/node/${f.cloud.node.name}/`);
    assert.equal(events.at(-1)?.value.phase, "failed");
  });
});
