// What a hostile guest can send, and where it gets. A guest is a namespace whose cable has a tap's name on the bridge.
import { enterSandbox } from "../../../support/sandbox.ts";

enterSandbox(import.meta.url);

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, beforeEach, describe, test } from "node:test";
import { realExec } from "#shared/ports/exec/real.ts";
import type { Network, NetworkPlan, NodeLinks, Tap } from "#shared/ports/network/network.ts";
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
import { aPlan } from "./contract.ts";

const NIC = "uplink";
const ROUTER = "192.168.242.1";
const ANOTHER_NODE = "10.99.0.3";
const FLOAT = "192.168.20.77";

const alice: Tap = { name: "sf-aaaaaaaaaaaa", macaddr: "02:00:00:00:00:0A", address: "192.168.242.10" };
const second: Tap = { name: "sf-aaaaaaaaaaab", macaddr: "02:00:00:00:00:1a", address: "192.168.242.20" };
const bob: Tap = { name: "sf-bbbbbbbbbbbb", macaddr: "02:00:00:00:00:0b", address: "192.168.242.11" };
const FREE = "192.168.242.99";
const SPOOFED_IP = `ether type ip ip saddr != ${alice.address}`;
const SPOOFED_ARP = `ether type arp arp saddr ip != ${alice.address}`;
const taps = [alice, second, bob];

const plan: NetworkPlan = aPlan(70, {
  taps,
  gateway: {
    dhcp: {
      domain: "shaken",
      dns: [],
      hosts: taps.map(({ macaddr, address }) => ({ macaddr: macaddr.toLowerCase(), address, name: "guest" })),
    },
    nat: { address: "192.168.20.170" },
    floating: [{ address: FLOAT, inner: alice.address }],
  },
});

await openOutside(NIC);
await ip([`address add ${ANOTHER_NODE}/24 dev eth0`], OUTSIDE);

describe("guests", () => {
  const { network, node }: { network: Network; node: NodeLinks } = openNetwork(NIC);
  const closed = { ...node, off_limits: [NODE_ADDRESS, ANOTHER_NODE, "127.0.0.1", "::1"] };
  let guest: ProbeGuest;
  let nic2: ProbeGuest;
  let victim: ProbeGuest;

  before(async () => {
    await network.ensureNode(closed);
    await network.ensure(plan);
    await network.ensureGuestRules(taps);
    guest = await openGuest("br-vxlan-70", alice.macaddr, { tap: alice.name });
    nic2 = await openGuest("br-vxlan-70", second.macaddr, { tap: second.name });
    victim = await openGuest("br-vxlan-70", bob.macaddr, { tap: bob.name });
    await nic2.configure(`${second.address}/24`, ROUTER);
    await victim.configure(`${bob.address}/24`, ROUTER);
  });
  after(async () => {
    for (const each of [guest, nic2, victim]) await each?.close();
    await network.remove(plan);
    await network.removeNode(closed);
  });
  /** As it should be, with the victim's MAC known: what is sent needs no ARP first. */
  beforeEach(async () => {
    await ip([`link set eth0 address ${alice.macaddr}`, "address flush dev eth0"], guest.namespace);
    await guest.configure(`${alice.address}/24`, ROUTER);
    await ip([`neighbour replace ${bob.address} lladdr ${bob.macaddr} dev eth0`], guest.namespace);
  });

  const arping = (...args: string[]) =>
    guest.run("busybox", ["arping", "-c", "1", "-w", "1", "-I", "eth0", ...args], { accept: [0, 1] });

  /** A datagram from the guest; resolves when it has been handed to the kernel. */
  async function send(from: number, to: number, address: string, type = "udp4"): Promise<void> {
    const script = `const it = require("node:dgram").createSocket({ type: "${type}", reuseAddr: true });
      it.bind(${from}, () => it.send("x", ${to}, "${address}", () => it.close()));`;
    await guest.run(process.execPath, ["-e", script]);
  }

  /** How many of such frames of the guest the bridge passes on while this is done. */
  async function passed(frames: string, work: () => Promise<unknown>): Promise<number> {
    const table = `table bridge probe {
      counter passed { }
      chain forward {
        type filter hook forward priority filter;
        iifname "${alice.name}" ${frames} counter name "passed"
      }
    }`;
    await nft(`add table bridge probe\ndelete table bridge probe\n${table}\n`);
    await work();
    const { stdout } = await realExec.run("nft", ["--json", "list", "counter", "bridge", "probe", "passed"]);
    await nft("delete table bridge probe\n");
    const { nftables } = JSON.parse(stdout) as { nftables: { counter?: { packets: number } }[] };
    return nftables.find(({ counter }) => counter !== undefined)?.counter?.packets ?? Number.NaN;
  }

  const nft = (input: string) => realExec.run("nft", ["-f", "-"], { input });

  test("own MAC and address: another guest, the router and the world are reached, and DHCP answers", async () => {
    assert.ok(await pings(guest.namespace, bob.address));
    assert.ok(await pings(guest.namespace, ROUTER));
    assert.ok(await pings(guest.namespace, OUTSIDE_ADDRESS));
    assert.equal((await guest.lease())?.address, alice.address);
    assert.ok((await passed("ether type ip udp dport 68", () => send(5000, 68, bob.address))) > 0);
  });

  test("two interfaces of a guest: each sends under its own address", async () => {
    assert.ok(await pings(nic2.namespace, bob.address));
    await guest.configure(`${second.address}/24`, ROUTER);
    const ping = ["ping", "-c", "1", "-W", "1", "-I", second.address, bob.address];
    assert.equal(await passed(SPOOFED_IP, () => guest.run("busybox", ping, { accept: [1] })), 0);
  });

  test("two interfaces of a guest on one network: each may answer for both addresses", async () => {
    await guest.configure(`${second.address}/24`, ROUTER);
    await network.ensureGuestRules(
      taps.map((tap) => (tap === alice ? { ...alice, also: [second.address] } : tap)),
    );
    const ping = ["ping", "-c", "1", "-W", "1", "-I", second.address, bob.address];
    assert.ok((await passed(SPOOFED_IP, () => guest.run("busybox", ping, { accept: [0, 1] }))) > 0);
    await network.ensureGuestRules(taps);
    assert.equal(await passed(SPOOFED_IP, () => guest.run("busybox", ping, { accept: [1] })), 0);
  });

  test("another's IPv4 address, and one that is nobody's: nothing arrives", async () => {
    for (const address of [ROUTER, second.address, FREE, "8.8.8.8"]) {
      await guest.configure(`${address}/24`, bob.address);
      const ping = ["ping", "-c", "1", "-W", "1", "-I", address, bob.address];
      assert.equal(await passed(SPOOFED_IP, () => guest.run("busybox", ping, { accept: [1] })), 0, address);
    }
  });

  test("another's MAC: nothing arrives", async () => {
    for (const mac of [second.macaddr, "02:00:00:00:99:99"]) {
      await ip([`link set eth0 address ${mac}`], guest.namespace);
      await guest.configure(`${alice.address}/24`, ROUTER);
      const sent = await passed(`ether saddr != ${alice.macaddr}`, async () => {
        await arping("-U", alice.address);
        assert.ok(!(await pings(guest.namespace, bob.address, 1)));
        assert.equal(await guest.lease(1), undefined);
      });
      assert.equal(sent, 0, mac);
    }
  });

  test("ARP: for its own address and probes arrive, for the router's and others' do not", async () => {
    assert.ok((await passed("ether type arp", () => arping("-U", alice.address))) > 0);
    assert.equal((await arping("-D", bob.address)).code, 1, "the probe was not answered");
    for (const address of [ROUTER, second.address, FREE]) {
      await guest.configure(`${address}/24`, bob.address);
      const claims = () =>
        Promise.all([arping("-U", "-s", address, address), arping("-A", "-s", address, address)]);
      assert.equal(await passed(SPOOFED_ARP, claims), 0, address);
    }
  });

  test("DHCP: a guest cannot answer as a server", async () => {
    for (const address of [bob.address, "192.168.242.255"])
      assert.equal(await passed("udp sport 67", () => send(67, 68, address)), 0, address);
  });

  test("IPv6: nothing arrives, so no router advertisement does", async () => {
    await ip(["address add fe80::a/64 dev eth0 nodad"], guest.namespace);
    assert.equal(await passed("ether type ip6", () => send(5000, 5000, "ff02::1%eth0", "udp6")), 0);
  });

  test("ensureGuestRules: a guest that left the list sends nothing more under a tap that is still on it", async () => {
    const others = taps.map((tap) => (tap === alice ? { ...alice, address: FREE } : tap));
    assert.deepEqual(await network.ensureGuestRules(others), []);
    assert.ok(!(await pings(guest.namespace, bob.address, 1)));
    assert.deepEqual(await network.ensureGuestRules(taps), []);
    assert.ok(await pings(guest.namespace, bob.address));
  });

  test("ensureGuestRules: two calls at once, the later list stands", async () => {
    await Promise.all([network.ensureGuestRules([bob]), network.ensureGuestRules(taps)]);
    assert.ok(await pings(guest.namespace, bob.address));
  });

  test("ensureGuestRules: refuses values that could mean something else to nft", async () => {
    for (const wrong of [{ name: 'x" }' }, { macaddr: "02:00" }, { address: "10.0.0.0/8" }])
      await assert.rejects(network.ensureGuestRules([{ ...alice, ...wrong }]), /^CloudError: tap/);
  });

  test("ensureGuestRules, ensureNode: mend flushed rules and say so, then nothing", async () => {
    await realExec.run("nft", ["flush", "ruleset"]);
    assert.deepEqual(await network.ensureGuestRules(taps), ["load rules of the guests"]);
    assert.deepEqual(await network.ensureNode(closed), ["load rules of the node"]);
    assert.deepEqual(await network.ensureGuestRules(taps), []);
    assert.deepEqual(await network.ensureNode(closed), []);
    const another = openNetwork(NIC).network;
    assert.deepEqual(await another.ensureGuestRules(taps), [], "another process mends what is right");
  });

  test("ensure: a tap off its bridge is put back on it, also when the bridge was deleted", async () => {
    const damages = [
      `link set ${alice.name} nomaster`,
      `link set ${alice.name} down`,
      "link delete br-vxlan-70",
    ];
    for (const damage of damages) {
      await ip([damage]);
      const mended = await network.ensure(plan);
      assert.ok(mended.includes(`put ${alice.name} back on br-vxlan-70`), `${damage}: ${mended}`);
      assert.deepEqual(await network.ensure(plan), []);
      assert.ok(await pings(guest.namespace, bob.address), damage);
    }
  });

  test("nodes: no guest reaches them by NAT, neither the host itself nor another", async () => {
    assert.ok(await pings(guest.namespace, OUTSIDE_ADDRESS));
    for (const address of [NODE_ADDRESS, "192.168.20.1", ANOTHER_NODE])
      assert.ok(!(await pings(guest.namespace, address, 1)), address);
  });

  test("nodes: they reach a floating address, and the answer gets back", async () => {
    const ping = async (args: string[], namespace?: string) =>
      (
        await realExec.run("busybox", ["ping", "-c", "1", "-W", "2", ...args, FLOAT], {
          accept: [0, 1],
          ...(namespace === undefined ? {} : { namespace }),
        })
      ).code;
    assert.equal(await ping([]), 0, "from the network node");
    assert.equal(await ping(["-I", ANOTHER_NODE], OUTSIDE), 0, "from another node");
  });

  test("nodes: a list that changes is no damage; without a list guests reach them", async () => {
    assert.deepEqual(await network.ensureNode({ ...closed, off_limits: [NODE_ADDRESS] }), []);
    assert.ok(await pings(guest.namespace, ANOTHER_NODE));
    assert.ok(!(await pings(guest.namespace, NODE_ADDRESS, 1)));
    assert.deepEqual(await network.ensureNode(node), []);
    assert.ok(await pings(guest.namespace, NODE_ADDRESS));
    assert.deepEqual(await network.ensureNode(closed), []);
  });

  test("nodes: what was named is off limits too, also while the name cannot be resolved", async () => {
    const named = { ...node, off_limits: ["third-node", "nobody.invalid"] };
    await writeFile(`${STORAGE}/names`, `${ANOTHER_NODE} third-node\n`);
    await realExec.run("mount", ["--bind", `${STORAGE}/names`, "/etc/hosts"]);
    await network.ensureNode(named).finally(() => realExec.run("umount", ["/etc/hosts"]));
    assert.ok(!(await pings(guest.namespace, ANOTHER_NODE, 1)));
    assert.ok(await pings(guest.namespace, OUTSIDE_ADDRESS));
    assert.deepEqual(await network.ensureNode(named), []);
    assert.ok(!(await pings(guest.namespace, ANOTHER_NODE, 1)));
  });

  test("removeNode: takes the rules of the guests away too", async () => {
    await network.removeNode(closed);
    assert.equal((await realExec.run("nft", ["list", "ruleset"])).stdout, "");
    await network.removeNode(closed);
  });
});
