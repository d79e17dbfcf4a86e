import { strict as assert } from "node:assert";
import { describe, it, type TestContext } from "node:test";
import type { Event, Instance, Network, NetworkInterface } from "#shared/api/types.ts";
import { CloudError } from "#shared/errors.ts";
import type { NetworkPlan } from "#shared/ports/network/network.ts";
import { eventually } from "../support/await.ts";
import { type FakeCloud, type FakeCloudOptions, fakeCloud, small } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

async function open(t: TestContext, options: FakeCloudOptions = {}): Promise<FakeCloud> {
  const f = await fakeCloud(options);
  t.after(() => f.close());
  return f;
}

const make = (f: FakeCloud, more: object = {}) =>
  f.call<Network>("POST", "/networks", { netblock: "10.0.0.0/24", ...more });
const on = ({ uuid }: Network, more: object = {}) => small({ network: [{ network_uuid: uuid }], ...more });

async function addressOf(f: FakeCloud, { uuid }: Instance): Promise<string> {
  const [nic] = await f.call<NetworkInterface[]>("GET", `/instances/${uuid}/interfaces`);
  return nic?.ipv4 ?? assert.fail();
}

describe("networks, as v0.3 did not make them", () => {
  it("addresses: all of a block are given once each, the router's never, and then none (fault 19)", async (t) => {
    const f = await open(t);
    const network = await make(f, { netblock: "10.0.0.0/28" });
    const made = await Promise.all(
      Array.from({ length: 13 }, () => f.call<Instance>("POST", "/instances", on(network))),
    );
    const given = await Promise.all(made.map((each) => addressOf(f, each)));
    const all = Array.from({ length: 13 }, (_, index) => `10.0.0.${index + 2}`);
    assert.deepEqual(new Set(given), new Set(all));
    await f.idle();
    const words = `network ${network.uuid}: no free addresses`;
    await refuses(f, ["POST", "/instances", on(network)], 507, words);
  });

  it("the network node: keeps a network and its gateway when its own last instance goes (fault 20)", async (t) => {
    const config = { NETWORK_NODE_IP: "10.255.0.1" };
    const one = await open(t, { config });
    const node = { name: "sf-2", ip: "10.255.0.2" };
    const other = await open(t, { memory: one.memory, config, node });
    const network = await make(one, { provide_dhcp: true, provide_nat: true });
    const here = await one.call<Instance>("POST", "/instances", on(network, { placed_on: "sf-1" }));
    await one.call<Instance>("POST", "/instances", on(network, { placed_on: "sf-2" }));
    const idle = () => Promise.all([one.idle(), other.idle()]);
    await idle();
    await one.call("DELETE", `/instances/${here.uuid}`);
    await idle();
    const { gateway, mesh } = one.network.plans.get(network.uuid) ?? assert.fail("it is not there any more");
    assert.deepEqual([gateway?.nat, gateway?.dhcp?.hosts.length], [{ address: network.floating_gateway }, 1]);
    assert.deepEqual(mesh, ["10.255.0.2"]);
    const held = one.value<{ owner: string }>(`address/floating/${network.floating_gateway}`);
    assert.equal(held.owner, network.uuid);
    const second = await make(one, { provide_nat: true });
    assert.notEqual(second.floating_gateway, network.floating_gateway);
  });

  it("the network node: keeps a network without instances until it is deleted (fault 20)", async (t) => {
    const f = await open(t);
    const network = await make(f, { provide_dhcp: true, provide_nat: true });
    const { uuid } = await f.call<Instance>("POST", "/instances", on(network));
    await f.call("DELETE", `/instances/${uuid}`);
    await f.idle();
    assert.ok(f.network.plans.get(network.uuid)?.gateway?.nat);
    await f.call("DELETE", `/networks/${network.uuid}`);
    assert.equal(f.network.plans.get(network.uuid), undefined);
  });

  it("POST /networks: it is not created before it is there (fault 46)", async (t) => {
    const f = await open(t);
    let go = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    f.network.before = (operation) => (operation === "ensure" ? gate : undefined);
    const making = make(f, { name: "slow" });
    const shown = await eventually("the network is listed", 10_000, async () => {
      const [network] = await f.call<Network[]>("GET", "/networks");
      return network;
    });
    assert.deepEqual([shown.name, shown.state], ["slow", "initial"]);
    go();
    assert.equal((await making).state, "created");
  });

  it("networks/upkeep: one that cannot be mended does not keep the others, and is told of (fault 66)", async (t) => {
    const f = await open(t);
    const made = [await make(f), await make(f), await make(f)];
    const bad = made.map(({ uuid }) => uuid).sort()[0] ?? "";
    f.network.plans.clear();
    f.network.before = (operation, subject) => {
      if (operation === "ensure" && (subject as NetworkPlan).uuid === bad)
        throw new CloudError("internal", "ip: it cannot be");
    };
    const upkeep = f.table.schedules.find(({ name }) => name === "networks/upkeep") ?? assert.fail();
    await upkeep.definition.run({ cloud: f.cloud, signal: new AbortController().signal });
    const mended = made.map(({ uuid }) => uuid).filter((uuid) => uuid !== bad);
    assert.deepEqual(new Set(f.network.plans.keys()), new Set(mended));
    const events = await f.call<Event[]>("GET", `/networks/${bad}/events`);
    assert.ok(events.some(({ message }) => message?.includes("ip: it cannot be")));
    f.network.before = () => {};
    await f.call("DELETE", `/networks/${bad}`);
  });
});
