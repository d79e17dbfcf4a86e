// Real guests on three nodes: what reaches what, and what must not.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { Instance, Network } from "#shared/api/types.ts";
import { realExec } from "#shared/ports/exec/real.ts";
import { eventually } from "../support/await.ts";
import { startCluster, type TestCluster } from "../support/cluster.ts";
import { checking, connects, ping, tells, tellsNext } from "../support/guests.ts";
import { ip } from "../support/network-host.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const UNDERLAY_MTU = 1600;
const GUEST_MTU = UNDERLAY_MTU - 50;
const IP_AND_ICMP = 28;
const WORLD = "10.77.0.2";
const BLOCK = "10.0.0.0/24";

/** What lies behind the underlay's gateway. */
async function openWorld(): Promise<void> {
  writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");
  await ip([
    "netns add world",
    "link add to-world type veth peer name eth0 netns world",
    "address add 10.77.0.1/24 dev to-world",
    "link set to-world up",
  ]);
  await ip(
    [
      "link set lo up",
      `address add ${WORLD}/24 dev eth0`,
      "link set eth0 up",
      "route add default via 10.77.0.1",
    ],
    "world",
  );
}

describe("guests on three nodes", () => {
  let cluster: TestCluster;
  let network: Network;
  let other: Network;
  const guests: Record<string, Instance> = {};

  before(async () => {
    await openWorld();
    cluster = await startCluster({ nodes: 3, mtu: UNDERLAY_MTU });
  });
  after(() => cluster?.down());

  const at = (number: number) => cluster.apiOf(`sf-${number}`);

  function boot(name: string, node: string, nics: [Network, string][], checks: Record<string, string>) {
    return at(1).createInstance({
      name,
      cpus: 1,
      memory: 128,
      placed_on: node,
      disk: [{ size: 1, base: cluster.imageUrl, bus: null, type: "disk" }],
      network: nics.map(([{ uuid }, address]) => ({ network_uuid: uuid, address })),
      user_data: checking(checks),
    });
  }

  it("creates posted to three nodes at once: run where they were asked to", async () => {
    network = await at(1).createNetwork({
      netblock: BLOCK,
      name: "net",
      provide_dhcp: true,
      provide_nat: true,
    });
    other = await at(2).createNetwork({ netblock: BLOCK, name: "other", provide_dhcp: true });
    const reach = {
      peer: ping("10.0.0.12"),
      full: ping("10.0.0.12", GUEST_MTU - IP_AND_ICMP),
      second: ping("10.0.0.13"),
      world: ping(WORLD),
      stranger: ping("10.0.0.99"),
      api: connects("10.66.0.11", 13000),
      api2: connects("10.66.0.12", 13000),
      etcd: connects("10.66.0.2", 2379),
    };
    const made = await Promise.all([
      boot("a", "sf-2", [[network, "10.0.0.11"]], reach),
      boot(
        "b",
        "sf-3",
        [
          [network, "10.0.0.12"],
          [network, "10.0.0.13"],
        ],
        { peer: ping("10.0.0.11") },
      ),
      boot("c", "sf-3", [[other, "10.0.0.99"]], {
        router: ping("10.0.0.1"),
        a: ping("10.0.0.11"),
        world: ping(WORLD),
      }),
    ]);
    for (const guest of made) {
      assert.equal(guest.state, "created", guest.error_message ?? "");
      guests[guest.name] = guest;
    }
    assert.deepEqual(
      made.map(({ node }) => node),
      ["sf-2", "sf-3", "sf-3"],
    );
  });

  const guest = (name: string) => guests[name] as Instance;

  it("a guest: reaches guests of its network on other nodes, with frames of the full announced size, and the world", async () => {
    await tells(at(1), guest("a"), {
      peer: "yes",
      full: "yes",
      second: "yes",
      world: "yes",
      mtu: String(GUEST_MTU),
    });
    await tells(at(2), guest("b"), { peer: "yes", mtu: String(GUEST_MTU) });
  });

  it("a guest: does not reach the API, etcd or a network of the same block", async () => {
    await tells(at(3), guest("c"), { router: "yes", a: "no", world: "no" });
    await tellsNext(at(1), guest("a"), { stranger: "no", api: "no", api2: "no", etcd: "no", peer: "yes" });
  });

  it("a floating address: is reached from the underlay, also when the network node was away, and no more after defloat", async () => {
    const [nic] = await at(3).listInterfaces("instances", guest("a").uuid);
    assert.ok(nic);
    await at(3).floatInterface(nic.uuid);
    const floating = (await at(2).getInterface(nic.uuid))?.floating ?? "";
    assert.match(floating, /^192\.168\.20\.\d+$/);
    const answers = async () =>
      (await realExec.run("busybox", ["ping", "-c", "1", "-W", "1", floating], { accept: [0, 1] })).code ===
      0;
    await eventually("the floating address answers", 30_000, async () => (await answers()) || undefined);

    // The network node loses its power and comes back: DHCP, NAT and floating addresses are made again from the records.
    await cluster.kill("sf-1");
    await eventually("the floating address is silent", 30_000, async () => !(await answers()) || undefined);
    await cluster.start("sf-1");
    await eventually(
      "the floating address answers again",
      30_000,
      async () => (await answers()) || undefined,
    );
    const servers = await cluster.exec("sf-1", ["pgrep", "--count", "dnsmasq"]);
    assert.equal(Number(servers), 2);
    await tellsNext(at(3), guest("a"), { peer: "yes", world: "yes" });

    await at(2).defloatInterface(nic.uuid);
    assert.equal(await answers(), false);
  });

  it("an instance that goes: takes its node out of the mesh, and the last one the network off its node", async () => {
    const floods = async (node: string) => {
      const entries = await cluster.exec(node, ["bridge", "fdb", "show", "dev", `vxlan-${network.vxid}`]);
      return entries
        .split("\n")
        .filter((line) => line.startsWith("00:00:00:00:00:00 "))
        .join();
    };
    assert.match(await floods("sf-2"), /10\.66\.0\.13/);
    await at(2).deleteInstance(guest("b").uuid);
    await eventually(
      "sf-2 forgets sf-3",
      10_000,
      async () => !(await floods("sf-2")).includes("10.66.0.13") || undefined,
    );
    await eventually("sf-3 has no link of it", 10_000, async () => {
      const links = await cluster.exec("sf-3", ["ip", "-brief", "link"]);
      return !new RegExp(`vxlan-${network.vxid}\\b`).test(links) || undefined;
    });
  });

  it("DELETE: leaves no link, namespace or domain on any node", async () => {
    for (const name of ["a", "c"]) await at(3).deleteInstance(guest(name).uuid);
    for (const { uuid } of [network, other]) await at(3).deleteNetwork(uuid);
    for (const node of ["sf-1", "sf-2", "sf-3"]) {
      await eventually(`${node} is clean`, 10_000, async () => {
        const links = await cluster.exec(node, ["ip", "-brief", "link"]);
        return !/vxlan|veth-|phy-\d|sf-/.test(links) || undefined;
      });
      assert.equal((await cluster.exec(node, ["virsh", "-q", "list", "--all", "--name"])).trim(), "");
      assert.equal((await cluster.exec(node, ["ip", "netns", "list"])).trim(), "");
    }
  });
});
