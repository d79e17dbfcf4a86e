// Power losses of a real node with real guests: what comes back by itself, what is told meanwhile, and what a removal ends.
import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import type { Instance, Network } from "#shared/api/types.ts";
import { eventually } from "../support/await.ts";
import { startCluster, type TestCluster } from "../support/cluster.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const AWAY_MS = 60_000;
const BACK_MS = 240_000;
const ADDRESS = "10.0.0.11";

describe("the loss of a node", () => {
  let cluster: TestCluster;
  let network: Network;
  const guests: Record<string, string> = {};

  before(async () => {
    cluster = await startCluster({ nodes: 2 });
    network = await api().createNetwork({ netblock: "10.0.0.0/24", name: "net", provide_dhcp: true });
  });
  after(() => cluster?.down());

  const api = () => cluster.apiOf("sf-1");

  async function make(name: string, address?: string): Promise<Instance> {
    const made = await api().createInstance({
      ...{ name, cpus: 1, memory: 96, placed_on: "sf-2" },
      disk: [{ size: 1, base: cluster.imageUrl, bus: null, type: "disk" }],
      network: [{ network_uuid: network.uuid, address: address ?? null }],
    });
    assert.equal(made.state, "created", made.error_message ?? "");
    return made;
  }

  async function powers(): Promise<Record<string, string>> {
    const list = await api().listInstances(true);
    const shown = list.map(({ name, power_state }) => [name, power_state]);
    return Object.fromEntries(shown.sort());
  }

  /** As libvirt has them: `running`, `paused` or `shut off`, by name. */
  async function domains(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const [name, uuid] of Object.entries(guests)) {
      const state = await cluster.exec("sf-2", ["virsh", "domstate", `sf:${uuid}`]).catch(() => "none");
      found[name] = state.trim();
    }
    return found;
  }

  /** From the router of the network, which is on the other node. */
  const answers = () =>
    cluster
      .exec("sf-1", ["ip", "netns", "exec", network.uuid, "ping", "-c", "1", "-W", "1", ADDRESS])
      .then(() => true)
      .catch(() => undefined);

  const isThere = async () =>
    (await cluster.store.get("presence/sf-2")) !== undefined &&
    (await api().listNodes()).some(({ name, state }) => name === "sf-2" && state === "present");
  const away = () => eventually("sf-2 is away", AWAY_MS, async () => !(await isThere()) || undefined);
  const settled = () =>
    eventually("sf-2 has no jobs left", BACK_MS, async () => {
      return (await cluster.store.count("job/sf-2/")) === 0 || undefined;
    });

  const told = async (name: string) =>
    (await api().listEvents("instances", guests[name] ?? "")).map(
      ({ operation, phase }) => `${operation} ${phase}`,
    );

  it("guests on, paused and off: are there", async () => {
    guests.on = (await make("on", ADDRESS)).uuid;
    for (const name of ["off", "paused"]) guests[name] = (await make(name)).uuid;
    await api().actOnInstance(guests.off ?? "", "poweroff");
    await api().actOnInstance(guests.paused ?? "", "pause");
    await eventually("the guest answers", BACK_MS, answers);
    assert.deepEqual(await powers(), { on: "on", off: "off", paused: "paused" });
  });

  it("a power loss: the power of its guests is unknown, with the reason, wherever it is asked", async () => {
    await cluster.kill("sf-2");
    await away();
    assert.deepEqual(await powers(), { on: "unknown", off: "unknown", paused: "unknown" });
    const { power_state_reason, state } = (await api().getInstance(guests.on ?? "")) ?? assert.fail();
    assert.deepEqual([power_state_reason, state], ["node sf-2 is away", "created"]);
  });

  it("it starts again: guests are as they were, and their network works", async () => {
    await cluster.start("sf-2");
    await settled();
    assert.deepEqual(await domains(), { on: "running", off: "shut off", paused: "paused" });
    await eventually("the guest answers", BACK_MS, answers);
    assert.deepEqual(await powers(), { on: "on", off: "off", paused: "paused" });
    const events = await told("on");
    assert.ok(events.includes("restore start") && events.includes("restore finish"), events.join());
    assert.ok(!events.includes("detected poweroff complete"), events.join());
  });

  it("a clean shutdown, and a process that dies while it brings guests back: they come back all the same", async () => {
    await cluster.stop("sf-2");
    await away();
    // The process may be gone before it was seen to answer.
    await cluster
      .start("sf-2", { SHAKENFIST_FAILPOINT: "instances/restore:restore:kill-after" })
      .catch(() => undefined);
    await eventually("the process is dead", AWAY_MS, async () => !(await isThere()) || undefined);
    assert.ok((await cluster.store.count("job/sf-2/instances.restore.")) > 0);
    await cluster.startProcess("sf-2");
    await settled();
    assert.deepEqual(await domains(), { on: "running", off: "shut off", paused: "paused" });
    assert.deepEqual(await powers(), { on: "on", off: "off", paused: "paused" });
    await eventually("the guest answers", BACK_MS, answers);
    await api().actOnInstance(guests.paused ?? "", "unpause");
  });

  it("its process alone starts again: a guest that went off meanwhile stays off, which is told", async () => {
    await cluster.killProcess("sf-2");
    await cluster.exec("sf-2", ["virsh", "destroy", `sf:${guests.paused}`]);
    await cluster.startProcess("sf-2");
    const isTold = async () => (await told("paused")).includes("detected poweroff complete") || undefined;
    await eventually("the poweroff is told", BACK_MS, isTold);
    assert.deepEqual(await powers(), { on: "on", off: "off", paused: "off" });
    assert.deepEqual(await domains(), { on: "running", off: "shut off", paused: "shut off" });
  });

  it("a node that is there: is not removed", async () => {
    await assert.rejects(api().removeNode("sf-2"), /node sf-2: is still there: stop it first/);
    await assert.rejects(api().removeNode("sf-1"), /is the network node/);
  });

  it("a node that is lost and removed: its guests are errors that say so, and hold nothing", async () => {
    await cluster.kill("sf-2");
    await away();
    assert.deepEqual((await api().removeNode("sf-2")).sort(), Object.values(guests).sort());
    for (const uuid of Object.values(guests)) {
      const { state, error_message } = (await api().getInstance(uuid)) ?? assert.fail();
      assert.deepEqual([state, error_message], ["error", "node sf-2 was removed"]);
    }
    const left = (await cluster.store.list("")).map(({ key }) => key);
    const named = left.filter((key) => !key.startsWith("event/") && key.split("/").includes("sf-2"));
    assert.deepEqual(named, [`carrier/sf-2/${network.uuid}`, "lost/sf-2"]);
    assert.ok(!left.includes(`address/${network.uuid}/${ADDRESS}`));
    assert.deepEqual(
      (await api().listNodes()).map(({ name }) => name),
      ["sf-1"],
    );
  });

  it("the machine comes back: joins as a new node, without the guests that were lost, and takes new ones", async () => {
    await cluster.start("sf-2");
    await eventually("sf-2 is there", BACK_MS, async () => (await isThere()) || undefined);
    const isClean = async () =>
      (await cluster.exec("sf-2", ["virsh", "list", "--all", "--name"])).trim() === "" || undefined;
    await eventually("no domain is left", BACK_MS, isClean);
    guests.again = (await make("again", ADDRESS)).uuid;
    await eventually("the new guest answers", BACK_MS, answers);
    assert.equal((await domains()).again, "running");
  });
});
