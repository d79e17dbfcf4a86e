import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Instance } from "#shared/api/types.ts";
import { eventually } from "../support/await.ts";
import { startCluster, type TestCluster } from "../support/cluster.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const AWAY_MS = 40_000;

/** Everything of a cluster that could be left on this machine. */
function traces(): Record<string, unknown> {
  const programs = /host\.sh|^(etcd|libvirtd|virtlogd|dnsmasq|\S*qemu-system)|runtime\/main\.js|serve-image/;
  const commands = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).split("\n");
  return {
    links: execFileSync("ip", ["-br", "link"], { encoding: "utf8" }),
    routes: execFileSync("ip", ["route"], { encoding: "utf8" }),
    rules: execFileSync("nft", ["list", "ruleset"], { encoding: "utf8" }),
    mounts: readFileSync("/proc/self/mounts", "utf8"),
    namespaces: readdirSync("/run/netns"),
    directories: readdirSync("/srv/shakenfist"),
    processes: commands.filter((line) => programs.test(line)),
  };
}

describe("a test cluster of two nodes", () => {
  const untouched = traces();
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2 });
  });
  after(() => cluster?.down());

  const pings = async (from: string, to: string) =>
    cluster.exec(from, ["ping", "-c", "1", "-W", "1", to]).then(
      () => true,
      () => false,
    );
  const names = async (node: string) =>
    (await cluster.apiOf(node).listNodes()).map(({ name }) => name).sort();
  const presences = async () => (await cluster.store.list("presence/")).map(({ key }) => key).sort();

  it("up: each node answers and knows both", async () => {
    for (const node of ["sf-1", "sf-2"]) assert.deepEqual(await names(node), ["sf-1", "sf-2"]);
  });

  it("sf-node teardown --purge: removes nothing while there are other nodes", async () => {
    const program = fileURLToPath(new URL("../../dist/node/runtime/main.js", import.meta.url));
    const env = { ...process.env, SHAKENFIST_ETCD_HOSTS: "10.66.0.2:2379" };
    const purge = cluster.exec("sf-2", [process.execPath, program, "teardown", "--purge"], { env });
    await assert.rejects(purge, /would remove the records of sf-1, sf-2: take the others out first/);
    assert.equal((await cluster.apiOf("sf-1").listNodes()).length, 2);
  });

  it("exec: runs in the host, which has processes, a name and links of its own", async () => {
    assert.equal(await cluster.exec("sf-2", ["hostname"]), "sf-2\n");
    assert.match(await cluster.exec("sf-2", ["cat", "/proc/1/cmdline"]), /host\.sh/);
    const links: { ifname: string; mtu: number }[] = JSON.parse(
      await cluster.exec("sf-2", ["ip", "-j", "link"]),
    );
    assert.equal(links.find(({ ifname }) => ifname === "eth0")?.mtu, 1550);
    assert.ok(!links.some(({ ifname }) => ifname === "sf-underlay"));
    await assert.rejects(cluster.exec("sf-2", ["ls", "/no/such/file"]), /No such file/);
    await assert.rejects(
      cluster.exec("sf-9", ["true"]),
      /no host is named 'sf-9'; there are etcd-1, sf-1, sf-2/,
    );
  });

  it("the storage of a node: is its own", async () => {
    await cluster.exec("sf-1", ["touch", "/srv/shakenfist/mine"]);
    await assert.rejects(cluster.exec("sf-2", ["test", "-e", "/srv/shakenfist/mine"]));
    await cluster.exec("sf-1", ["rm", "/srv/shakenfist/mine"]);
  });

  it("a guest: starts on a node, from the image that is served", async () => {
    const api = cluster.apiOf("sf-1");
    const request = { name: "guest", cpus: 1, memory: 128, network: [], ssh_key: null, user_data: null };
    const disk = [{ size: 1, base: cluster.imageUrl, bus: null, type: "disk" }];
    const instance: Instance = await api.awaitCreated(await api.createInstance({ ...request, disk }), 90_000);
    assert.equal(instance.state, "created", instance.error_message ?? "");
    assert.match(await cluster.exec(instance.node ?? "", ["virsh", "-q", "list"]), new RegExp(instance.uuid));
  });

  it("partition, then heal: nothing passes between the two, and then all does", async () => {
    assert.equal(await pings("sf-1", "10.66.0.12"), true);
    await cluster.partition("sf-1", "sf-2");
    assert.equal(await pings("sf-1", "10.66.0.12"), false);
    assert.equal(await pings("sf-2", "10.66.0.11"), false);
    assert.equal(await pings("sf-2", "10.66.0.2"), true);
    await cluster.heal();
    assert.equal(await pings("sf-1", "10.66.0.12"), true);
    await assert.rejects(cluster.partition("sf-1", "sf-1"), /cut off from itself/);
  });

  it("kill, then start: the node is away with its guests, and back with its disk", async () => {
    const domains = await cluster.exec("sf-2", ["virsh", "-q", "list", "--all", "--name"]);
    const others = await cluster.exec("sf-1", ["virsh", "-q", "list", "--all", "--name"]);
    await cluster.exec("sf-2", ["touch", "/srv/shakenfist/kept", "/run/lost"]);
    await cluster.kill("sf-2");
    const left = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
    assert.doesNotMatch(left, /host\.sh \S+ sf-2$/m);
    assert.equal((left.match(/^\S*qemu-system/gm) ?? []).length, others.trim() === "" ? 0 : 1);
    await assert.rejects(cluster.exec("sf-2", ["true"]), /sf-2 is off: start it first/);
    await eventually("sf-2 is away", AWAY_MS, async () =>
      (await presences()).length === 1 ? true : undefined,
    );
    assert.equal(await pings("sf-1", "10.66.0.12"), false);

    await cluster.start("sf-2");
    assert.deepEqual(await presences(), ["presence/sf-1", "presence/sf-2"]);
    assert.equal(await pings("sf-1", "10.66.0.12"), true);
    assert.equal(await cluster.exec("sf-2", ["virsh", "-q", "list", "--all", "--name"]), domains);
    await cluster.exec("sf-2", ["test", "-e", "/srv/shakenfist/kept"]);
    await assert.rejects(cluster.exec("sf-2", ["test", "-e", "/run/lost"]));
  });

  it("killProcess, then startProcess: the host stays up", async () => {
    const boot = await cluster.exec("sf-2", ["stat", "-c", "%Y", "/run/services/libvirtd"]);
    await cluster.killProcess("sf-2");
    await assert.rejects(cluster.apiOf("sf-2").listNodes());
    await cluster.startProcess("sf-2", { SHAKENFIST_LOGLEVEL: "debug" });
    assert.deepEqual(await names("sf-2"), ["sf-1", "sf-2"]);
    assert.equal(await cluster.exec("sf-2", ["stat", "-c", "%Y", "/run/services/libvirtd"]), boot);
  });

  it("stop, then start: the node ends by its own will, and logs that grew long are begun anew", async () => {
    await cluster.exec("sf-2", ["truncate", "--size=11M", "/run/disk/logs/virtlogd.log"]);
    await cluster.stop("sf-2");
    assert.match(cluster.logOf("sf-2"), /"signal":"SIGTERM","msg":"stopping"/);
    await cluster.start("sf-2");
    await eventually("the log is short", AWAY_MS, async () => {
      const size = await cluster.exec("sf-2", ["stat", "-c", "%s", "/run/disk/logs/virtlogd.log"]);
      return Number(size) < 1_000_000 ? true : undefined;
    });
    assert.deepEqual(await names("sf-2"), ["sf-1", "sf-2"]);
  });

  it("kill of etcd, then start: what it held is there", async () => {
    const keys = async () => (await cluster.store.list("namespace/")).map(({ key }) => key);
    const held = await keys();
    await cluster.kill("etcd-1");
    await assert.rejects(keys());
    await cluster.start("etcd-1");
    assert.deepEqual(await eventually("etcd answers", AWAY_MS, keys), held);
  });

  it("down: nothing is left", async () => {
    await cluster.down();
    assert.deepEqual(traces(), untouched);
    assert.equal(existsSync("/sys/class/net/sf-underlay"), false);
  });
});
