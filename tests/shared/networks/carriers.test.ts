import { strict as assert } from "node:assert";
import { afterEach, beforeEach, describe, it } from "node:test";
import { keepNetworks } from "#shared/networks/upkeep.ts";
import { Memory } from "#shared/ports/store/memory.ts";
import { eventually } from "../../support/await.ts";
import { type FakeCloud, fakeCloud, small } from "../../support/fake-cloud.ts";

const PATIENCE_MS = 5000;
const CLOUD = { config: { NETWORK_NODE_IP: "10.255.0.1", API_ASYNC_WAIT: "5" } };

describe("nodes that carry a network", () => {
  let nodes: FakeCloud[] = [];
  const [first, second, third] = [0, 1, 2].map((index) => () => nodes[index] as FakeCloud) as [
    () => FakeCloud,
    () => FakeCloud,
    () => FakeCloud,
  ];

  let memory: Memory;
  const join = (number: number) =>
    fakeCloud({ ...CLOUD, memory, node: { name: `sf-${number}`, ip: `10.255.0.${number}` } });

  beforeEach(async () => {
    memory = new Memory();
    nodes = [];
    for (const number of [1, 2, 3]) nodes.push(await join(number));
  });
  afterEach(async () => {
    for (const node of nodes) await node.close();
  });

  const makeNetwork = () =>
    first().call<{ uuid: string; vxid: number }>("POST", "/networks", {
      netblock: "10.0.0.0/24",
      provide_dhcp: true,
    });
  const makeGuest = (network: string, node: string) =>
    first().call<{ uuid: string; state: string }>(
      "POST",
      "/instances",
      small({ placed_on: node, network: [{ network_uuid: network }] }),
    );
  const meshOf = (node: FakeCloud, network: string) => node.network.plans.get(network)?.mesh;
  const becomes = (what: string, isSo: () => boolean) =>
    eventually(what, PATIENCE_MS, () => isSo() || undefined);

  it("an instance that comes to another node: joins the mesh on all of them at once, and leaves it so", async () => {
    const { uuid } = await makeNetwork();
    assert.deepEqual(meshOf(first(), uuid), []);
    await makeGuest(uuid, "sf-2");
    assert.equal(third().network.plans.size, 0);
    const guest = await makeGuest(uuid, "sf-3");
    await becomes("sf-2 knows sf-3", () => meshOf(second(), uuid)?.join() === "10.255.0.1,10.255.0.3");
    await becomes("sf-1 knows both", () => meshOf(first(), uuid)?.join() === "10.255.0.2,10.255.0.3");
    await becomes(
      "sf-1 serves both",
      () => first().network.plans.get(uuid)?.gateway?.dhcp?.hosts.length === 2,
    );
    await first().call("DELETE", `/instances/${guest.uuid}`);
    await becomes("sf-3 carries it no more", () => !third().network.plans.has(uuid));
    await becomes("sf-2 forgets sf-3", () => meshOf(second(), uuid)?.join() === "10.255.0.1");
  });

  it("the vxid of a deleted network: is not given away while a node still has its links (fault 55)", async () => {
    const old = await makeNetwork();
    const guest = await makeGuest(old.uuid, "sf-2");
    let refuses = true;
    second().network.before = (operation) => {
      if (refuses && operation === "remove") throw new Error("the kernel refuses");
    };
    await first().call("DELETE", `/instances/${guest.uuid}`);
    await first().call("DELETE", `/networks/${old.uuid}`);
    assert.equal(first().value<{ state: string }>(`network/${old.uuid}`).state, "deleted");
    const next = await makeNetwork();
    assert.notEqual(next.vxid, old.vxid);
    refuses = false;
    await keepNetworks(second().cloud, new AbortController().signal);
    assert.equal((await makeNetwork()).vxid, old.vxid);
  });

  it("the links of a machine that is removed: keep their number until it comes back and takes them down", async () => {
    const old = await makeNetwork();
    await makeGuest(old.uuid, "sf-3");
    await nodes.pop()?.close();
    const isAway = () => first().cloud.store.mirror.get("presence/sf-3") === undefined;
    await becomes("sf-3 is away", isAway);
    await first().call("DELETE", "/nodes/sf-3");
    await first().call("DELETE", `/networks/${old.uuid}`);
    assert.notEqual((await makeNetwork()).vxid, old.vxid);
    nodes.push(await join(3));
    await keepNetworks(third().cloud, new AbortController().signal);
    assert.equal((await makeNetwork()).vxid, old.vxid);
  });
});
