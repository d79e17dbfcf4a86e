import { strict as assert } from "node:assert";
import { describe, it, type TestContext } from "node:test";
import type { Instance, Network } from "#shared/api/types.ts";
import { PLENTY } from "../../support/capacity.ts";
import { type FakeCloud, fakeCloud, small } from "../../support/fake-cloud.ts";
import { refuses } from "../../support/refusals.ts";

/** Two nodes of one cloud; the first is the network node. */
async function twoNodes(
  t: TestContext,
  config: Record<string, string> = {},
): Promise<[FakeCloud, FakeCloud]> {
  const shared = { NETWORK_NODE_IP: "10.255.0.1", ...config };
  const one = await fakeCloud({ config: shared });
  const other = await fakeCloud({
    ...{ memory: one.memory, config: shared, node: { name: "sf-2", ip: "10.255.0.2" } },
  });
  t.after(async () => {
    await other.close();
    await one.close();
  });
  return [one, other];
}

describe("placement", () => {
  it("creates of two nodes at once: never claim more than a node has (fault 41)", async (t) => {
    const nodes = await twoNodes(t, { CPU_OVERCOMMIT_RATIO: "1" });
    await nodes[0].authorization("alice");
    const asks = Array.from({ length: 24 }, (_, index) =>
      (nodes[index % 2] ?? nodes[0]).ask("POST", "/instances", small(), "alice"),
    );
    const answers = await Promise.all(asks);
    assert.equal(answers.filter(({ status }) => status === 200).length, 16);
    const refused = answers.filter(({ status }) => status !== 200);
    const words = "No nodes with enough idle CPU: no node fits: sf-1 lacks 1 vCPUs, sf-2 lacks 1 vCPUs";
    for (const { status, body } of refused)
      assert.deepEqual([status, (body as { error: string }).error], [507, words]);
    for (const name of ["sf-1", "sf-2"])
      assert.deepEqual(nodes[0].value(`claim/${name}`), { cpus: 8, memory_mib: 2048, disk_gib: 64 });
  });

  it("placed_on: the node that is asked for, or none (fault 26)", async (t) => {
    const [f] = await twoNodes(t, { CPU_OVERCOMMIT_RATIO: "0.125" });
    const made = await f.call<Instance>("POST", "/instances", small({ placed_on: "sf-2" }));
    assert.deepEqual([made.node, made.requested_placement, made.state], ["sf-2", "sf-2", "created"]);
    const body = small({ placed_on: "sf-2" });
    const words = "the node that is asked for does not fit: sf-2 lacks 1 vCPUs";
    await refuses(f, ["POST", "/instances", body], 507, `No nodes with enough idle CPU: ${words}`);
    assert.equal((await f.call<Instance>("POST", "/instances", small())).node, "sf-1");
  });

  it("a node that has left: gets no instances (fault 18)", async (t) => {
    const [f, other] = await twoNodes(t);
    await other.cloud.presence.close();
    const made = await Promise.all(
      Array.from({ length: 5 }, () => f.call<Instance>("POST", "/instances", small())),
    );
    assert.deepEqual(new Set(made.map(({ node }) => node)), new Set(["sf-1"]));
    const body = small({ placed_on: "sf-2" });
    const words = "the node that is asked for does not fit: sf-2 is away";
    await refuses(f, ["POST", "/instances", body], 507, `No nodes with metrics: ${words}`);
  });

  it("memory: counts what is claimed and what is free now", async (t) => {
    const f = await fakeCloud({
      config: { RAM_OVERCOMMIT_RATIO: "0.5", RAM_SYSTEM_RESERVATION: "1" },
      capacity: { ...PLENTY, memory_max_mib: 8192, memory_available_mib: 3072 },
    });
    t.after(() => f.close());
    const tooMuch = ["POST", "/instances", small({ memory: 2049 })] as [string, string, object];
    const words = "No nodes with enough idle RAM: no node fits: sf-1 lacks 1 MiB of memory";
    await refuses(f, tooMuch, 507, words);
    for (let count = 0; count < 2; count++) {
      await f.call("POST", "/instances", small({ memory: 2048 }));
      await f.cloud.presence.publish({}, true);
    }
    await refuses(f, ["POST", "/instances", small({ memory: 1 })], 507, words);
  });

  it("an instance on another node: its network is carried there and meshed, and no longer when it goes (fault 70)", async (t) => {
    const [one, other] = await twoNodes(t);
    const { uuid } = await one.call<Network>("POST", "/networks", {
      netblock: "10.0.0.0/24",
      provide_dhcp: true,
    });
    assert.equal(other.network.plans.size, 0);
    const body = small({ placed_on: "sf-2", network: [{ network_uuid: uuid }] });
    const made = await one.call<Instance>("POST", "/instances", body);
    assert.equal((await other.hypervisor.getDomain(made.uuid))?.power, "on");
    await Promise.all([one.idle(), other.idle()]);
    assert.deepEqual(one.network.plans.get(uuid)?.mesh, ["10.255.0.2"]);
    assert.equal(one.network.plans.get(uuid)?.gateway?.dhcp?.hosts.length, 1);
    assert.deepEqual(other.network.plans.get(uuid)?.mesh, ["10.255.0.1"]);
    assert.equal(other.network.plans.get(uuid)?.gateway, undefined);
    await one.call("DELETE", `/instances/${made.uuid}`);
    await Promise.all([one.idle(), other.idle()]);
    assert.deepEqual(one.network.plans.get(uuid)?.mesh, []);
    assert.equal(other.network.plans.size, 0);
  });
});
