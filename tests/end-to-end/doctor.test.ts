// The doctor on a real host: each leak is planted by hand, found, mended, and gone; what others made is as it was. And while
// instances come and go nothing of them is taken for a leak.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import type { Diagnosis, Finding, Instance, Network } from "#shared/api/types.ts";
import { realExec } from "#shared/ports/exec/real.ts";
import { put } from "#shared/ports/store/store.ts";
import { NODE_NAME, startCloud, type TestCloud } from "../support/cloud.ts";
import { takeInventory } from "../support/inventory.ts";
import { ip } from "../support/network-host.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const STORAGE = "/srv/shakenfist";
const NOWHERE = "00000000-0000-4000-8000-000000000000";
const SOMEBODY = "11111111-1111-4111-8111-111111111111";
const ROUNDS = 10;
const LOOKS = 20;
/** Of the machine that this runs on, not of the cloud. */
const PREREQUISITES = ["programs", "kvm", "kvm-guests", "storage", "port-range", "firewall"];

const domainXml = (name: string, uuid: string) =>
  `<domain type="qemu"><name>${name}</name><uuid>${uuid}</uuid><memory unit="MiB">32</memory>` +
  `<os><type arch="x86_64">hvm</type></os></domain>`;

describe("the doctor on a real host", () => {
  let cloud: TestCloud;
  let network: Network;
  let guest: Instance;

  before(async () => {
    cloud = await startCloud();
    const block = { netblock: "10.0.0.0/24", name: "net", provide_dhcp: true, provide_nat: true };
    network = await cloud.api.createNetwork(block);
    guest = await make("kept");
    assert.equal(guest.state, "created", guest.error_message ?? "");
  });
  after(() => cloud?.stop());

  const make = (name: string): Promise<Instance> =>
    cloud.api.createInstance({
      ...{ name, cpus: 1, memory: 64 },
      disk: [{ size: 1, base: cloud.imageUrl }],
      network: [{ network_uuid: network.uuid }],
    });
  const run = async (program: string, ...args: string[]): Promise<string> =>
    (await realExec.run(program, args, { timeout_ms: 30_000 })).stdout;
  const wrong = (all: readonly Diagnosis[]) =>
    all
      .filter(({ check, state }) => state !== "ok" && !PREREQUISITES.includes(check))
      .map(({ check, state, reason, findings }) => ({ check, state, reason, findings }));

  async function plantDomain(name: string, uuid: string, isRunning: boolean): Promise<void> {
    const file = `/tmp/doctor-${uuid}.xml`;
    await writeFile(file, domainXml(name, uuid));
    await run("virsh", isRunning ? "create" : "define", file);
    await run("rm", file);
  }

  /** A dnsmasq of ours, as a lost record would leave it. */
  async function plantServer(): Promise<void> {
    const directory = `${STORAGE}/dhcp/${NOWHERE}`;
    await mkdir(directory, { recursive: true });
    const lines = ["port=0", "interface=lo", "bind-interfaces", `pid-file=${directory}/pid`];
    await writeFile(`${directory}/config`, `${lines.join("\n")}\n`);
    await run("dnsmasq", `--conf-file=${directory}/config`);
  }

  /** What others made: names that only look like ours, and things without our mark. */
  async function plantOthers(): Promise<void> {
    await plantDomain("somebodys", SOMEBODY, true);
    await ip([
      ...["link add br0 type bridge", "link add vxlan-77 type bridge", "tuntap add tap-of-mine mode tap"],
      ...[`netns add ${SOMEBODY}`, "netns add theirs", "link set br0 alias somebody"],
    ]);
    await mkdir(`${STORAGE}/instances/of-somebody`, { recursive: true });
    await mkdir(`${STORAGE}/dhcp/of-somebody`, { recursive: true });
    await writeFile(`${STORAGE}/instances/note`, "mine");
    await writeFile(`${STORAGE}/image_cache/mine.qcow2`, "mine");
    await run("nft", "add", "table", "inet", "somebody");
  }

  async function others(): Promise<unknown> {
    const links = JSON.parse(await run("ip", "-json", "link")) as { ifname: string }[];
    return {
      domain: (await run("virsh", "domstate", "somebodys")).trim(),
      links: links.map(({ ifname }) => ifname).filter((name) => /^(br0|vxlan-77|tap-of-mine)$/.test(name)),
      namespaces:
        (await run("ip", "netns")).includes(SOMEBODY) && (await run("ip", "netns")).includes("theirs"),
      files: ["instances/of-somebody", "dhcp/of-somebody", "instances/note", "image_cache/mine.qcow2"].map(
        (it) => existsSync(`${STORAGE}/${it}`),
      ),
      table: (await run("nft", "list", "tables")).includes("inet somebody"),
    };
  }

  it("a cloud at work: is well", async () => {
    assert.deepEqual(wrong(await cloud.api.examineNode(NODE_NAME)), []);
  });

  it("leaks of every kind: are found, mended and gone; what others made is as it was", async () => {
    await plantOthers();
    const before_ = await others();
    const inventory = await takeInventory(cloud.store);
    await plantDomain(`sf:${NOWHERE}`, NOWHERE, true);
    await plantServer();
    await mkdir(`${STORAGE}/instances/${NOWHERE}`, { recursive: true });
    await writeFile(`${STORAGE}/instances/${NOWHERE}/vda`, "left");
    await mkdir(`${STORAGE}/snapshots/${NOWHERE}`, { recursive: true });
    await ip([
      `netns add ${NOWHERE}`,
      `link add veth-99-o type veth peer name veth-99-i netns ${NOWHERE}`,
      ...["link add br-vxlan-99 type bridge", "link add vxlan-99 type vxlan id 99 dev uplink dstport 8472"],
      ...["br-vxlan-99", "vxlan-99", "veth-99-o"].map((name) => `link set ${name} alias ${NOWHERE}`),
      "tuntap add sf-000000000000 mode tap",
    ]);
    await cloud.store.commit([
      put("address/floating/192.168.20.77", { use: "gateway", owner: NOWHERE }),
      put("mac/02:00:00:00:00:01", { interface: NOWHERE }),
      put("port/sf-test/30000", { instance: NOWHERE }),
      put("vxid/99", { network: NOWHERE }),
      put("claim/sf-test", { cpus: 7, memory_mib: 7, disk_gib: 7 }),
      put(`snapshot/${NOWHERE}/s`, { uuid: "s", instance_uuid: NOWHERE, devices: [], created: 1 }),
      put(`event/instance/${NOWHERE}/1`, {}),
      put("job/gone/x", { kind: "x", subject: { type: "image", uuid: "x" } }),
      put(`interface/${NOWHERE}`, {
        uuid: NOWHERE,
        instance_uuid: NOWHERE,
        network_uuid: NOWHERE,
        node: "gone",
        macaddr: "02:00:00:00:00:02",
        ipv4: "10.9.9.9",
        floating: null,
        state: "created",
      }),
    ]);
    const expected = [
      ["domains", `domain sf:${NOWHERE}`],
      ["instance-directories", `${STORAGE}/instances/${NOWHERE}`],
      ["snapshot-directories", `${STORAGE}/snapshots/${NOWHERE}`],
      ["dnsmasq", "dnsmasq"],
      ["dnsmasq", `DHCP directory ${STORAGE}/dhcp/${NOWHERE}`],
      ["namespaces", `namespace ${NOWHERE}`],
      ...["br-vxlan-99", "veth-99-o", "vxlan-99"].map((name) => ["links", `link ${name}`] as const),
      ["taps", "tap sf-000000000000"],
      ["interfaces", `interface ${NOWHERE}`],
      ["addresses", "address/floating/192.168.20.77"],
      ["macs", "mac/02:00:00:00:00:01"],
      ["ports", "port/sf-test/30000"],
      ["vxids", "vxid/99"],
      ["claims", "claim on node sf-test"],
      ["snapshot-records", `snapshot/${NOWHERE}/s`],
      ["removed-nodes", "job/gone/"],
      ["events", `event/instance/${NOWHERE}/`],
    ] as const;
    const listed = (all: readonly Diagnosis[]) =>
      wrong(all).flatMap(({ check, findings }) => findings.map((it) => ({ check, ...it })));
    const sorted = (all: readonly (Finding & { check: string })[]) =>
      all.map(({ check, subject }) => `${check} ${subject.replace(/^dnsmasq \d+$/, "dnsmasq")}`).sort();
    const found = listed(await cloud.api.examineNode(NODE_NAME));
    for (const each of found) console.log(`${each.check}: ${each.subject}: ${each.problem}: ${each.mend}`);
    const wanted = expected.map(([check, subject]) => `${check} ${subject}`);
    assert.deepEqual(sorted(found), wanted.sort());

    const mended = await cloud.api.mendNode(NODE_NAME);
    assert.deepEqual(wrong(mended), []);
    assert.deepEqual(wrong(await cloud.api.examineNode(NODE_NAME)), []);
    assert.deepEqual(await takeInventory(cloud.store), inventory);
    assert.deepEqual(await others(), before_);
    assert.equal((await cloud.api.getInstance(guest.uuid))?.power_state, "on");
  });

  it("a domain that was only defined, and one whose instance is deleted: are ended", async () => {
    const gone = await make("gone");
    await cloud.api.deleteInstance(gone.uuid);
    await plantDomain(`sf:${NOWHERE}`, NOWHERE, false);
    await plantDomain(`sf:${gone.uuid}`, gone.uuid, true);
    const [domains] = await cloud.api.mendNode(NODE_NAME, { checks: ["domains"] });
    const told = domains?.findings.map(({ problem, mended }) => [problem, mended]) ?? [];
    // The cleanup may have been here for the other one.
    assert.deepEqual(
      told.filter(([problem]) => problem !== "is on, and its instance is over"),
      [["is off, and there is no such instance", true]],
    );
    const left = await run("virsh", "list", "--all", "--uuid");
    assert.ok(!left.includes(gone.uuid) && !left.includes(NOWHERE));
  });

  it("libvirt frozen: is told, and what depends on it is unknown; etcd tells its health", async () => {
    const health = await cloud.store.health();
    assert.deepEqual([health.alarms, health.members.length], [[], 1]);
    assert.ok((health.members[0]?.size ?? 0) > 1000);
    cloud.libvirtd.freeze();
    const all = await cloud.api.mendNode(NODE_NAME, { checks: ["libvirt", "domains", "vxids"] });
    cloud.libvirtd.thaw();
    assert.deepEqual(
      all.map(({ check, state }) => [check, state]),
      [
        ["libvirt", "found"],
        ["domains", "unknown"],
        ["vxids", "ok"],
      ],
    );
  });

  it(`${LOOKS} looks while ${ROUNDS} instances are made and deleted: find nothing`, async () => {
    let [made, looks, going] = [0, 0, true];
    async function churn(): Promise<void> {
      for (; going && (made < ROUNDS || looks < LOOKS); made++) {
        const { uuid, state, error_message } = await make(`guest-${made}`);
        assert.equal(state, "created", error_message ?? "");
        await cloud.api.deleteInstance(uuid);
      }
    }
    async function look(): Promise<void> {
      for (; going && (made < ROUNDS || looks < LOOKS); looks++)
        assert.deepEqual(wrong(await cloud.api.examineNode(NODE_NAME)), []);
    }
    const stopOn = (error: unknown) => {
      going = false;
      throw error;
    };
    // One that fails must not keep the other going.
    await Promise.all([churn().catch(stopOn), look().catch(stopOn)]);
    console.log(`${looks} looks, ${made} creates and deletes`);
  });

  it("sf-client admin doctor: says the same and ends with its outcome", async () => {
    const env = {
      SHAKENFIST_NAMESPACE: "system",
      SHAKENFIST_KEY: cloud.key,
      SHAKENFIST_API_URL: cloud.apiUrl,
    };
    const client = (...args: string[]) =>
      new Promise<{ code: number | null; stdout: string }>((resolve) => {
        const child = spawn(process.execPath, ["dist/sf-client.js", ...args], { env: { ...env, PATH: "" } });
        let stdout = "";
        child.stdout.on("data", (data) => {
          stdout += data;
        });
        child.once("close", (code) => resolve({ code, stdout }));
      });
    const checks = ["--check", "vxids", "--check", "domains"];
    assert.equal((await client("admin", "doctor", ...checks)).code, 0);
    await cloud.store.commit([put("vxid/98", { network: NOWHERE })]);
    const found = await client("admin", "doctor", ...checks);
    assert.equal(found.code, 1);
    assert.match(
      found.stdout,
      /vxid\/98: network 0{8}.* does not have it\n +mend: etcdctl del \/shakenfist\/vxid\/98\n/,
    );
    const mended = await client("admin", "doctor", "--fix", ...checks);
    assert.deepEqual([mended.code, mended.stdout.split("\n").at(-2)], [0, "1 mended"]);
    assert.equal(await readFile(`${STORAGE}/instances/note`, "utf8"), "mine");
  });
});
