// The network port on this kernel, in a host of the test's own.
import { enterSandbox } from "../../../support/sandbox.ts";

enterSandbox(import.meta.url);

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { realExec } from "#shared/ports/exec/real.ts";
import type { Network, NetworkPlan, NodeLinks } from "#shared/ports/network/network.ts";
import { openGuest, type ProbeGuest } from "../../../support/dhcp-probe.ts";
import {
  ip,
  NODE_ADDRESS,
  OUTSIDE,
  OUTSIDE_ADDRESS,
  openNetwork,
  openOutside,
  pings,
  STORAGE,
} from "../../../support/network-host.ts";
import { aPlan, networkContract } from "./contract.ts";

const NIC = "enp0s31f6abc";
const KNOWN = { macaddr: "02:00:00:00:00:0a", name: "ten", address: "192.168.242.10" };
const OTHER = { macaddr: "02:00:00:00:00:0b", name: "eleven", address: "192.168.242.11" };

await openOutside(NIC);

networkContract("linux", async () => {
  const { network, node } = openNetwork(NIC);
  await network.ensureNode(node);
  await network.removeNode(node);
  return { network, node };
});

/** A network with everything. */
function fullPlan(vxid: number, gateway: Partial<NonNullable<NetworkPlan["gateway"]>> = {}): NetworkPlan {
  return aPlan(vxid, {
    mesh: ["10.99.0.9"],
    gateway: {
      dhcp: { domain: "shaken", dns: ["8.8.8.8", "9.9.9.9"], hosts: [KNOWN] },
      nat: { address: `192.168.20.${100 + vxid}` },
      floating: [],
      ...gateway,
    },
  });
}

describe("linux network", () => {
  let network: Network;
  let node: NodeLinks;
  before(async () => {
    ({ network, node } = openNetwork(NIC));
    await network.ensureNode(node);
  });
  after(() => network.removeNode(node));

  test("ensure, remove: leave no link, namespace, process, file or rule behind", async () => {
    const before = await snapshot();
    await network.ensure(fullPlan(20));
    assert.notDeepEqual(await snapshot(), before);
    await network.remove(fullPlan(20));
    assert.deepEqual(await snapshot(), before);
  });

  test("ensure: another process finds nothing to do", async () => {
    await network.ensure(fullPlan(21, { floating: [{ address: "192.168.20.51", inner: "192.168.242.10" }] }));
    const again = openNetwork(NIC);
    assert.deepEqual(await again.network.ensureNode(again.node), []);
    const plan = fullPlan(21, { floating: [{ address: "192.168.20.51", inner: "192.168.242.10" }] });
    assert.deepEqual(await again.network.ensure(plan), []);
    await network.remove(plan);
  });

  test("ensure: every link has the guests' MTU, the bridge neither IPv6 nor ARP (fault 52)", async () => {
    await network.ensure(fullPlan(22));
    for (const name of ["vxlan-22", "br-vxlan-22", "veth-22-o"])
      assert.match(await show(["link", "show", name]), / mtu 1450 /);
    assert.match(await show(["link", "show", "veth-22-i"], fullPlan(22).uuid), / mtu 1450 /);
    assert.match(await show(["link", "show", "br-vxlan-22"]), /NOARP/);
    assert.doesNotMatch(await show(["address", "show", "br-vxlan-22"]), /inet/);
    await network.remove(fullPlan(22));
  });

  test("ensure: without a gateway there is neither namespace nor cable, and one that was is taken away", async () => {
    const full = fullPlan(23);
    const plain = aPlan(23, { mesh: full.mesh });
    await network.ensure(full);
    assert.deepEqual(await network.ensure(plain), [`delete namespace ${plain.uuid}`]);
    assert.deepEqual(await network.ensure(plain), []);
    assert.doesNotMatch(await show(["link", "show"]), /-23-o/);
    assert.deepEqual(await dnsmasqs(), []);
    await network.remove(plain);
  });

  test("ensure: a number that another network had is taken over, and the old one's removal does not harm (fault 55)", async () => {
    const old = fullPlan(24);
    const young = { ...fullPlan(24), uuid: "00000000-0000-4000-8000-0000000000ff" };
    await network.ensure(old);
    await network.ensure(young);
    await network.remove(old);
    assert.deepEqual(await network.ensure(young), []);
    assert.deepEqual(await network.list(), [{ vxid: 24, uuid: young.uuid }]);
    await network.remove(young);
  });

  test("ensure: a node never joins its own mesh (fault 70)", async () => {
    const plan = aPlan(26, { mesh: [NODE_ADDRESS, "10.99.0.9"] });
    const mended = await network.ensure(plan);
    assert.ok(mended.includes("add mesh elements: 10.99.0.9"), String(mended));
    assert.deepEqual(await network.ensure(plan), []);
    await network.remove(plan);
  });

  test("remove: a network that is not there is no error", async () => {
    await network.remove(aPlan(25));
  });

  describe("repair", () => {
    const plan = fullPlan(30, { floating: [{ address: "192.168.20.60", inner: KNOWN.address }] });
    const { uuid } = plan;
    before(async () => {
      await network.ensure(plan);
    });
    after(() => network.remove(plan));

    const damages: [what: string, damage: () => Promise<unknown>][] = [
      ["the bridge deleted", () => ip(["link delete br-vxlan-30"])],
      ["the bridge down", () => ip(["link set br-vxlan-30 down"])],
      ["the bridge learning", () => ip(["link set br-vxlan-30 type bridge ageing_time 30000"])],
      ["the VXLAN link deleted", () => ip(["link delete vxlan-30"])],
      ["the VXLAN link taken from the bridge", () => ip(["link set vxlan-30 nomaster"])],
      [
        "the VXLAN link of another number",
        () => ip(["link delete vxlan-30", `link add vxlan-30 type vxlan id 999 dev ${NIC} dstport 8472`]),
      ],
      [
        "the mesh entry removed",
        () =>
          realExec.run("bridge", [
            ...["fdb", "delete", "00:00:00:00:00:00", "dev", "vxlan-30", "dst", "10.99.0.9"],
          ]),
      ],
      ["the MTU changed", () => ip(["link set veth-30-o mtu 1400"])],
      ["the router's cable deleted", () => ip(["link delete veth-30-o"])],
      ["the egress cable deleted", () => ip(["link delete phy-30-o"])],
      ["the router's address removed", () => ip(["address flush dev veth-30-i"], uuid)],
      ["the floating addresses removed", () => ip(["address flush dev phy-30-i"], uuid)],
      ["the inner end down", () => ip(["link set phy-30-i down"], uuid)],
      ["the default route deleted", () => ip(["route delete default"], uuid)],
      [
        "routing switched off",
        () => realExec.run("tee", ["/proc/sys/net/ipv4/ip_forward"], { input: "0\n", namespace: uuid }),
      ],
      ["the rules flushed", () => realExec.run("nft", ["flush", "ruleset"], { namespace: uuid })],
      [
        "one chain flushed",
        () => realExec.run("nft", ["flush", "chain", "inet", "shakenfist", "forward"], { namespace: uuid }),
      ],
      ["dnsmasq killed", killDnsmasq],
      ["dnsmasq frozen", () => signalDnsmasq("SIGSTOP")],
      ["the DHCP directory deleted", () => realExec.run("rm", ["-r", `${STORAGE}/dhcp/${uuid}`])],
      ["the namespace deleted", () => ip([`netns delete ${uuid}`])],
    ];
    for (const [what, damage] of damages) {
      test(`ensure: mends ${what}`, async (t) => {
        await damage();
        const mended = await network.ensure(plan);
        assert.notDeepEqual(mended, []);
        assert.deepEqual(await network.ensure(plan), []);
        assert.equal((await dnsmasqs()).length, 1);
        const guest = await openGuest("br-vxlan-30", KNOWN.macaddr);
        t.after(() => guest.close());
        assert.equal((await guest.lease())?.address, KNOWN.address, `no lease after: ${mended}`);
        await guest.configure(`${KNOWN.address}/24`, "192.168.242.1");
        assert.ok(await pings(guest.namespace, OUTSIDE_ADDRESS), `no way out after: ${mended}`);
        assert.ok(await pings(OUTSIDE, "192.168.20.60"), `no way in after: ${mended}`);
      });
    }
  });

  describe("DHCP", () => {
    const plan = fullPlan(40);
    const withHosts = (hosts: readonly (typeof KNOWN)[]) =>
      fullPlan(40, { dhcp: { domain: "shaken", dns: ["8.8.8.8", "9.9.9.9"], hosts } });
    let guest: ProbeGuest;
    before(async () => {
      await network.ensure(plan);
      guest = await openGuest("br-vxlan-40", KNOWN.macaddr);
    });
    after(async () => {
      await guest.close();
      await network.remove(plan);
    });

    test("a known MAC gets its address, router, name servers, domain and MTU (fault 52)", async () => {
      assert.deepEqual(await guest.lease(), {
        address: "192.168.242.10",
        mask: "255.255.255.0",
        router: "192.168.242.1",
        dns: "8.8.8.8 9.9.9.9",
        domain: "shaken",
        mtu: 1450,
        hostname: "ten",
      });
    });

    test("an unknown MAC gets nothing until it is made known, without a restart", async () => {
      const stranger = await openGuest("br-vxlan-40", OTHER.macaddr);
      assert.equal(await stranger.lease(1), undefined);
      const [pid] = await dnsmasqs();
      assert.deepEqual(await network.ensure(withHosts([KNOWN, OTHER])), ["update dhcp"]);
      assert.equal((await stranger.lease())?.address, OTHER.address);
      assert.deepEqual(await dnsmasqs(), [pid]);
      await stranger.close();
    });

    test("an address that was another's is leased to its new owner at once", async () => {
      const heir = { ...KNOWN, macaddr: "02:00:00:00:00:0c", name: "heir" };
      assert.equal((await guest.lease())?.address, KNOWN.address);
      await network.ensure(withHosts([heir]));
      const young = await openGuest("br-vxlan-40", heir.macaddr);
      assert.equal((await young.lease())?.address, KNOWN.address);
      await young.close();
    });

    test("names that dnsmasq would take for orders are left out", async () => {
      const odd = ["ignore", "45m", "infinite", "set:tag", "ünï"].map((name, index) => ({
        name,
        macaddr: `02:00:00:00:01:0${index}`,
        address: `192.168.242.${50 + index}`,
      }));
      await network.ensure(withHosts(odd));
      for (const host of odd) {
        const one = await openGuest("br-vxlan-40", host.macaddr);
        assert.equal((await one.lease())?.address, host.address, host.name);
        await one.close();
      }
    });

    test("changed settings restart the server; no DHCP wanted ends it", async () => {
      const changed = fullPlan(40, { dhcp: { domain: "other", dns: [], hosts: [KNOWN] } });
      assert.deepEqual(await network.ensure(changed), ["restart dhcp"]);
      const lease = await guest.lease();
      assert.equal(lease?.domain, "other");
      assert.equal(lease?.dns, "");
      const { nat } = plan.gateway ?? {};
      const without = aPlan(40, { mesh: plan.mesh, gateway: { ...(nat && { nat }), floating: [] } });
      assert.deepEqual(await network.ensure(without), ["remove dhcp"]);
      assert.deepEqual(await dnsmasqs(), []);
    });

    test("a server that is not ours is never killed for its number", async () => {
      await network.ensure(plan);
      await killDnsmasq();
      await realExec.run("tee", [`${STORAGE}/dhcp/${plan.uuid}/pid`], { input: `${process.pid}\n` });
      assert.deepEqual(await network.ensure(plan), ["restart dhcp"]);
    });
  });

  describe("routing", () => {
    const blue = fullPlan(50);
    const red = fullPlan(51);
    const { nat: _, ...closed } = fullPlan(52).gateway ?? { floating: [] };
    const green = aPlan(52, { gateway: closed });
    const guests: ProbeGuest[] = [];
    before(async () => {
      for (const plan of [blue, red, green]) {
        await network.ensure(plan);
        const guest = await openGuest(`br-vxlan-${plan.vxid}`, KNOWN.macaddr);
        await guest.configure(`${KNOWN.address}/24`, "192.168.242.1");
        guests.push(guest);
      }
    });
    after(async () => {
      for (const guest of guests) await guest.close();
      for (const plan of [blue, red, green]) await network.remove(plan);
    });

    test("NAT: a guest gets out under the node's address and the answer gets back", async () => {
      const [guest] = guests;
      assert.ok(guest !== undefined && (await pings(guest.namespace, OUTSIDE_ADDRESS)));
      assert.equal(await sourceSeenOutside(guest), NODE_ADDRESS);
    });

    test("two networks with the same block do not see each other", async () => {
      const [guest] = guests;
      const lonely = await openGuest("br-vxlan-51", OTHER.macaddr);
      await lonely.configure(`${OTHER.address}/24`, "192.168.242.1");
      assert.ok(await pings(lonely.namespace, KNOWN.address));
      assert.ok(guest !== undefined && !(await pings(guest.namespace, OTHER.address, 1)));
      await lonely.close();
    });

    test("without NAT nothing gets out", async () => {
      const guest = guests[2];
      assert.ok(guest !== undefined && !(await pings(guest.namespace, OUTSIDE_ADDRESS, 1)));
      assert.ok(await pings(guest.namespace, "192.168.242.1"));
    });

    test("float: reachable from outside and back, with NAT and without, and no more once it is gone", async () => {
      for (const [plan, guest] of [
        [blue, guests[0]],
        [green, guests[2]],
      ] as const) {
        const address = `192.168.20.${plan.vxid}`;
        assert.ok(guest !== undefined && plan.gateway !== undefined);
        const floated = {
          ...plan,
          gateway: { ...plan.gateway, floating: [{ address, inner: KNOWN.address }] },
        };
        assert.ok(!(await pings(OUTSIDE, address, 1)));
        await network.ensure(floated);
        assert.ok(await pings(OUTSIDE, address), `${address} is not reached`);
        assert.ok(await pings(guest.namespace, OUTSIDE_ADDRESS), "the guest does not get out");
        assert.ok(await pings(guest.namespace, address), "the guest does not reach itself");
        await network.ensure(plan);
        assert.ok(!(await pings(OUTSIDE, address, 1)));
      }
    });

    test("float: moves from one network to another at once", async () => {
      const floating = [{ address: "192.168.20.70", inner: KNOWN.address }];
      for (const [to, from] of [
        [blue, red],
        [red, blue],
      ] as const) {
        await network.ensure(from);
        await network.ensure({ ...to, gateway: { ...to.gateway, floating } });
        assert.ok(await pings(OUTSIDE, "192.168.20.70"), `not reached in ${to.vxid}`);
      }
      await network.ensure(red);
    });

    test("a guest reaches no address of the host by the bridge, even with its MAC", async () => {
      const [guest] = guests;
      const { stdout } = await realExec.run("cat", ["/sys/class/net/br-vxlan-50/address"]);
      assert.ok(guest !== undefined);
      await guest.run("ip", ["route", "replace", NODE_ADDRESS, "dev", "eth0"]);
      await guest.run("ip", ["neigh", "replace", NODE_ADDRESS, "lladdr", stdout.trim(), "dev", "eth0"]);
      const [frames, echos] = [await framesReceived("br-vxlan-50"), await echosReceived()];
      assert.ok(!(await pings(guest.namespace, NODE_ADDRESS, 1)));
      assert.ok((await framesReceived("br-vxlan-50")) > frames, "the frames never came to the host");
      assert.equal(await echosReceived(), echos);
    });
  });

  test("ensureNode, removeNode: routing of the egress interface is switched on, said and undone (fault 69)", async () => {
    const forwarding = `/proc/sys/net/ipv4/conf/${NIC}/forwarding`;
    await network.removeNode(node);
    assert.equal(await readFile(forwarding, "utf8"), "0\n");
    const mended = await network.ensureNode(node);
    assert.ok(mended.includes(`switch on IPv4 forwarding of ${NIC}`), String(mended));
    assert.equal(await readFile(forwarding, "utf8"), "1\n");
    assert.equal(await readFile("/proc/sys/net/ipv4/ip_forward", "utf8"), "0\n");
    await network.removeNode(node);
    assert.equal(await readFile(forwarding, "utf8"), "0\n");
    assert.doesNotMatch(await show(["link", "show"]), /phy-br/);
    assert.equal((await realExec.run("nft", ["list", "ruleset"])).stdout, "");
  });
});

async function show(args: readonly string[], namespace?: string): Promise<string> {
  const { stdout } = await realExec.run("ip", args, namespace === undefined ? {} : { namespace });
  return stdout;
}

/** All that a network could leave on this host. */
async function snapshot(): Promise<object> {
  const { stdout: rules } = await realExec.run("nft", ["list", "ruleset"]);
  return {
    links: (await show(["-brief", "link", "show"])).split("\n").map((line) => line.split(/\s/)[0]),
    namespaces: await readdir("/run/netns"),
    files: await readdir(STORAGE, { recursive: true }).then((it) => it.filter((name) => name !== "dhcp")),
    servers: await dnsmasqs(),
    rules,
  };
}

async function dnsmasqs(): Promise<number[]> {
  const { stdout } = await realExec.run("pgrep", ["-x", "dnsmasq"], { accept: [0, 1] });
  const pids = stdout.split("\n").filter(Boolean).map(Number);
  const alive = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return pids.filter((_, index) => alive[index] !== "");
}

async function signalDnsmasq(signal: NodeJS.Signals): Promise<void> {
  for (const pid of await dnsmasqs()) process.kill(pid, signal);
}

async function killDnsmasq(): Promise<void> {
  await signalDnsmasq("SIGKILL");
  while ((await dnsmasqs()).length > 0);
}

/** The address under which a guest's connection arrives outside. */
async function sourceSeenOutside(guest: ProbeGuest): Promise<string> {
  const serve = `const server = require("net").createServer((it) => it.end(it.remoteAddress, () => server.close()));
    server.listen(7000, "${OUTSIDE_ADDRESS}", () => process.stdout.write("up"));`;
  const server = spawn("nsenter", [`--net=/run/netns/${OUTSIDE}`, process.execPath, "-e", serve]);
  await once(server.stdout, "data");
  const { stdout } = await guest.run("busybox", ["nc", OUTSIDE_ADDRESS, "7000"], { input: "" });
  await once(server, "exit");
  return stdout;
}

async function framesReceived(link: string): Promise<number> {
  return Number(await readFile(`/sys/class/net/${link}/statistics/rx_packets`, "utf8"));
}

/** ICMP echo requests that this host has taken for itself. */
async function echosReceived(): Promise<number> {
  const [names = [], values = []] = (await readFile("/proc/net/snmp", "utf8"))
    .split("\n")
    .filter((line) => line.startsWith("Icmp:"))
    .map((line) => line.split(" "));
  return Number(values[names.indexOf("InEchos")]);
}
