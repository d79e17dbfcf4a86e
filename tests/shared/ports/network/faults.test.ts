// What v0.3 did wrong in the kernel of the network node, shown on a kernel.
import { enterSandbox } from "../../../support/sandbox.ts";

enterSandbox(import.meta.url);

import { strict as assert } from "node:assert";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { realExec } from "#shared/ports/exec/real.ts";
import type { Network, NetworkPlan, NodeLinks } from "#shared/ports/network/network.ts";
import { openGuest } from "../../../support/dhcp-probe.ts";
import {
  ip,
  OUTSIDE,
  OUTSIDE_ADDRESS,
  openNetwork,
  openOutside,
  pings,
} from "../../../support/network-host.ts";
import { aPlan } from "./contract.ts";

/** With `phy-br-` before it, longer than the kernel's 15 characters. */
const NIC = "enp0s31f6abc";
const TEN = { macaddr: "02:00:00:00:00:0a", name: "ten", address: "192.168.242.10" };
const NAT = "192.168.20.80";
const FLOAT = "192.168.20.81";

await openOutside(NIC);

const planOf = (vxid: number, more: Partial<NonNullable<NetworkPlan["gateway"]>> = {}): NetworkPlan =>
  aPlan(vxid, {
    gateway: {
      dhcp: { domain: "shaken", dns: [], hosts: [TEN] },
      nat: { address: NAT },
      floating: [{ address: FLOAT, inner: TEN.address }],
      ...more,
    },
  });

async function output(program: string, args: readonly string[], namespace?: string): Promise<string> {
  return (await realExec.run(program, args, namespace === undefined ? {} : { namespace })).stdout;
}

describe("networks of v0.3", () => {
  let network: Network;
  let node: NodeLinks;
  before(async () => {
    ({ network, node } = openNetwork(NIC));
    await network.ensureNode(node);
  });
  after(() => network.removeNode(node));

  it("rules: are the same however often the network is made again, also by a new process (fault 23)", async (t) => {
    const plan = planOf(60);
    t.after(() => network.remove(plan));
    const rules = () => output("nft", ["--stateless", "list", "ruleset"], plan.uuid);
    await network.ensure(plan);
    const first = await rules();
    assert.equal(first.split(NAT).length, 2, first);
    for (const port of [network, openNetwork(NIC).network, openNetwork(NIC).network]) await port.ensure(plan);
    assert.equal(await rules(), first);
  });

  it("forwarding: is the namespace's, and not the host's (fault 24)", async (t) => {
    const plan = planOf(61);
    t.after(() => network.remove(plan));
    await network.ensure(plan);
    assert.equal(await output("cat", ["/proc/sys/net/ipv4/ip_forward"], plan.uuid), "1\n");
    assert.equal(await readFile("/proc/sys/net/ipv4/ip_forward", "utf8"), "0\n");
    const guest = await openGuest("br-vxlan-61", TEN.macaddr);
    t.after(() => guest.close());
    await guest.configure(`${TEN.address}/24`, "192.168.242.1");
    assert.ok(await pings(guest.namespace, OUTSIDE_ADDRESS));
  });

  it("the physical bridge: has one name, also of an interface with a long one (fault 25)", async (t) => {
    const plan = planOf(62);
    t.after(() => network.remove(plan));
    await network.ensure(plan);
    const bridges = JSON.parse(await output("ip", ["-json", "link", "show", "type", "bridge"]));
    const names = bridges.map(({ ifname }: { ifname: string }) => ifname);
    assert.deepEqual(names.toSorted(), ["br-vxlan-62", "phy-br-enp0s31f"]);
    const [cable] = JSON.parse(await output("ip", ["-json", "link", "show", "dev", "phy-62-o"]));
    assert.equal(cable.master, "phy-br-enp0s31f");
  });

  it("a floating address: is one address, without NAT too, and reaches the guest (fault 22)", async (t) => {
    const { nat: _, ...gateway } = planOf(63).gateway ?? assert.fail();
    const plan = aPlan(63, { gateway });
    t.after(() => network.remove(plan));
    await network.ensure(plan);
    const shown = await output("ip", ["-brief", "-4", "address", "show", "dev", "phy-63-i"], plan.uuid);
    assert.match(shown, new RegExp(` ${FLOAT}/32\\s*$`));
    const guest = await openGuest("br-vxlan-63", TEN.macaddr);
    t.after(() => guest.close());
    await guest.configure(`${TEN.address}/24`, "192.168.242.1");
    assert.ok(await pings(OUTSIDE, FLOAT));
  });

  it("DHCP: serves the next guest after the last one went, also in a namespace made anew (fault 67)", async (t) => {
    const plan = planOf(64);
    const empty = planOf(64, { dhcp: { domain: "shaken", dns: [], hosts: [] }, floating: [] });
    t.after(() => network.remove(plan));
    await network.ensure(plan);
    for (const between of [async () => {}, () => ip([`netns delete ${plan.uuid}`])]) {
      await network.ensure(empty);
      await between();
      await network.ensure(plan);
      const guest = await openGuest("br-vxlan-64", TEN.macaddr);
      assert.equal((await guest.lease())?.address, TEN.address);
      await guest.close();
    }
  });
});
