// Snapshots on real components: what they hold, how they are fetched, and that nothing is left of those that came to nothing.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Event, Instance, Snapshot } from "#shared/api/types.ts";
import { eventually } from "../support/await.ts";
import { startCloud, type TestCloud } from "../support/cloud.ts";
import { holdCopy } from "../support/held-copy.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const CLIENT = fileURLToPath(new URL("../../dist/sf-client.js", import.meta.url));
const FILES = "/srv/shakenfist/snapshots";
const FILLING = join(FILES, "filling");
const WAIT_MS = 120_000;
const FILL_MIB = 300;
/** Fills its second disk so that a copy takes a while, and writes a number to it once a second, which it then tells. */
const WRITER = `#!/bin/sh
dd if=/dev/zero bs=1M count=1 2>/dev/null | tr '\\0' x >/tmp/piece
count=0
while [ $count -lt ${FILL_MIB} ]; do cat /tmp/piece; count=$((count + 1)); done >/dev/vdc
number=0
while true; do
  number=$((number + 1))
  echo "number $number" | dd of=/dev/vdc bs=512 count=1 conv=sync,notrunc,fsync 2>/dev/null
  echo "wrote $number"
  sleep 1
done
`;

describe("snapshots on a real node", () => {
  let cloud: TestCloud;
  let guest: Instance;
  const directory = mkdtempSync(join(tmpdir(), "sf-snapshots-"));

  before(async () => {
    // So small that it can be filled.
    execFileSync("mkdir", ["-p", FILES]);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1g,mode=755", "tmpfs", FILES]);
    cloud = await startCloud();
    guest = await cloud.api.createInstance({
      name: "writer",
      cpus: 1,
      memory: 192,
      disk: [
        { size: 8, base: cloud.imageUrl, bus: null, type: "disk" },
        { size: 1, base: null, bus: null, type: "disk" },
      ],
      network: [],
      user_data: Buffer.from(WRITER).toString("base64"),
    });
    await says(/^wrote \d+/m);
  });
  after(async () => {
    await cloud?.stop();
    rmSync(directory, { recursive: true });
  });

  const says = (pattern: RegExp) =>
    eventually(
      `the guest says ${pattern}`,
      WAIT_MS,
      async () => pattern.test(String(await cloud.api.getConsoleData(guest.uuid, 100_000))) || undefined,
    );
  const number = async () =>
    Number(
      [...String(await cloud.api.getConsoleData(guest.uuid, 100_000)).matchAll(/^wrote (\d+)/gm)].at(
        -1,
      )?.[1] ?? 0,
    );
  const goesOn = async () => {
    const now = await number();
    await eventually("the guest writes on", WAIT_MS, async () => (await number()) > now + 1 || undefined);
  };
  const list = (): Promise<Snapshot[]> => cloud.api.listSnapshots(guest.uuid);
  const isClean = () =>
    eventually("nothing is left", WAIT_MS, async () => {
      const left = (await cloud.store.list("snapshot/")).length + readdirSync(FILES).length;
      return left === 0 || undefined;
    });
  const fill = () => spawnSync("dd", ["if=/dev/zero", `of=${FILLING}`, "bs=1M"]);
  const virsh = (...args: string[]) =>
    spawnSync("virsh", ["-q", "-c", cloud.libvirtd.uri, ...args], { encoding: "utf8" }).stdout;
  const info = (file: string) =>
    JSON.parse(
      execFileSync("qemu-img", ["info", "--output=json", "-f", "qcow2", file], { encoding: "utf8" }),
    );
  /** One that is under way, and stays so until it is let go on. */
  const beginHeld = async (beginning?: string) => {
    const uuid = await cloud.api.snapshotInstance(guest.uuid, true, false);
    const directory = join(FILES, uuid);
    const begun = beginning === undefined ? undefined : join(directory, beginning);
    return { uuid, letGo: await holdCopy(guest.uuid, join(directory, "vdc.tmp"), begun) };
  };
  const failure = async (uuid: string) =>
    eventually("why it failed", WAIT_MS, async () => {
      const events: Event[] = await cloud.api.listEvents("instances", guest.uuid);
      return events.find(({ phase, message }) => phase === "failed" && message?.startsWith(uuid))?.message;
    });
  const client = (...args: string[]) =>
    spawnSync(CLIENT, ["--apiurl", cloud.apiUrl, "--namespace", "system", "--key", cloud.key, ...args], {
      encoding: "utf8",
      cwd: directory,
    });

  it("of a guest that writes: all disks of one moment, whole files, and it goes on meanwhile", async () => {
    const from = await number();
    const uuid = await cloud.api.snapshotInstance(guest.uuid, true);
    const rows = (await list()).filter((row) => row.uuid === uuid);
    assert.deepEqual(
      rows.map(({ device, state }) => [device, state]),
      [
        ["vda", "created"],
        ["vdc", "created"],
      ],
    );
    for (const { device, size } of rows) {
      const { format, "backing-filename": backing } = info(join(FILES, uuid, device));
      assert.deepEqual(
        [format, backing, size],
        ["qcow2", undefined, readFileSync(join(FILES, uuid, device)).length],
      );
    }
    const raw = join(directory, "raw");
    execFileSync("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", join(FILES, uuid, "vdc"), raw]);
    const held = Number(/^number (\d+)/.exec(readFileSync(raw).toString("latin1", 0, 512))?.[1]);
    assert.ok(held >= from, `the copy holds ${held}, written before was ${from}`);
    rmSync(raw);
    await goesOn();
  });

  it("sf-client: lists, downloads, goes on with a download, and deletes", async () => {
    const made = client("--json", "instance", "snapshot", guest.name, "--all");
    assert.equal(made.status, 0, made.stdout + made.stderr);
    const { uuid } = JSON.parse(made.stdout);
    assert.match(
      client("instance", "snapshot-list", guest.name).stdout,
      new RegExp(`${uuid}.*created.*100%`),
    );
    const which = client("instance", "snapshot-download", guest.name, uuid);
    assert.deepEqual([which.stdout, which.status], ["say which device: vda, vdc\n", 1]);
    const original = readFileSync(join(FILES, uuid, "vdc"));
    const whole = client("instance", "snapshot-download", guest.name, uuid, "vdc", "-o", "disk");
    assert.equal(whole.status, 0, whole.stdout + whole.stderr);
    assert.ok(readFileSync(join(directory, "disk")).equals(original));
    rmSync(join(directory, "disk"));
    writeFileSync(join(directory, `disk.${uuid}-vdc.part`), original.subarray(0, 1_000_000));
    const rest = client(
      "--verbose",
      "instance",
      "snapshot-download",
      guest.name,
      uuid,
      "vdc",
      "-o",
      "disk",
      "--resume",
    );
    assert.equal(rest.status, 0, rest.stdout + rest.stderr);
    assert.ok(readFileSync(join(directory, "disk")).equals(original));
    assert.equal(client("instance", "snapshot-delete", guest.name, uuid).status, 0);
    assert.equal(existsSync(join(FILES, uuid)), false);
  });

  it("curl: ranges, and a file that is deleted while it is fetched comes whole", async () => {
    const [row] = await list();
    const { uuid = "", device = "" } = row ?? {};
    const token = execFileSync(
      "curl",
      [
        "-s",
        "-X",
        "POST",
        `${cloud.apiUrl}/auth`,
        "-d",
        JSON.stringify({ namespace: "system", key: cloud.key }),
      ],
      { encoding: "utf8" },
    );
    const header = `Authorization: Bearer ${JSON.parse(token).access_token}`;
    const url = `${cloud.apiUrl}/instances/${guest.uuid}/snapshot/${uuid}/${device}`;
    const original = readFileSync(join(FILES, uuid, device));
    const part = execFileSync("curl", ["-s", "-r", "100-299", "-H", header, url]);
    assert.ok(part.equals(original.subarray(100, 300)));
    const target = join(directory, "fetched");
    const curl = ["-s", "--limit-rate", "8M", "-H", header, "-o", target, url];
    const fetching = spawn("curl", curl);
    const ended = new Promise((resolve) => fetching.once("exit", resolve));
    await eventually("the first bytes", WAIT_MS, async () => existsSync(target) || undefined);
    for (const each of new Set((await list()).map((other) => other.uuid)))
      await cloud.api.deleteSnapshot(guest.uuid, each);
    await isClean();
    assert.equal(await ended, 0);
    assert.ok(readFileSync(target).equals(original));
    rmSync(target);
    await eventually("the node lets go of the file", WAIT_MS, async () => {
      const open = readdirSync(`/proc/${cloud.pid()}/fd`).length;
      const names = execFileSync("sh", ["-c", `ls -l /proc/${cloud.pid()}/fd || true`], { encoding: "utf8" });
      return (open > 0 && !names.includes(FILES)) || undefined;
    });
  });

  it("one that is deleted while it is made: nothing is left, and the guest goes on", async () => {
    const { uuid, letGo } = await beginHeld();
    const deleted = cloud.api.deleteSnapshot(guest.uuid, uuid);
    await eventually(
      "it is no snapshot any more",
      WAIT_MS,
      async () => (await list()).length === 0 || undefined,
    );
    letGo();
    await deleted;
    assert.match(String(await failure(uuid)), /deleted meanwhile/);
    await isClean();
    await goesOn();
  });

  it("no room half way: it says so, nothing is left, and the guest goes on", async () => {
    const { uuid, letGo } = await beginHeld();
    fill();
    letGo();
    const words = String(await failure(uuid));
    rmSync(FILLING);
    assert.match(words, /may need .* GiB, and its file system has .* GiB free/);
    await isClean();
    await goesOn();
    assert.match(virsh("domstate", guest.uuid), /running/);
  });

  it("no room to begin with: it says so, and nothing is left", async () => {
    fill();
    await assert.rejects(
      cloud.api.snapshotInstance(guest.uuid),
      /may need .* GiB, and its file system has 0.00 GiB free/,
    );
    rmSync(FILLING);
    await isClean();
  });

  it("a node that dies meanwhile: what it had begun is taken back when it is there again", async () => {
    const { letGo } = await beginHeld();
    await cloud.stopNode("SIGKILL");
    const started = cloud.startNode();
    letGo();
    await started;
    await isClean();
    assert.doesNotMatch(virsh("domjobinfo", guest.uuid), /Backup/);
    await goesOn();
  });

  it("libvirtd that dies meanwhile: the snapshot is made all the same", async () => {
    // Not while the copy begins: libvirt 9.0 may then know nothing of it afterwards.
    const { uuid, letGo } = await beginHeld("description.tmp");
    await cloud.libvirtd.kill();
    await cloud.libvirtd.start();
    letGo();
    assert.ok(await cloud.api.awaitSnapshot(guest.uuid, uuid, () => {}), "it was taken back");
    assert.equal(info(join(FILES, uuid, "vdc")).format, "qcow2");
    await cloud.api.deleteSnapshot(guest.uuid, uuid);
    await goesOn();
  });

  it("of a guest that is paused, and of one that is off", async () => {
    await cloud.api.actOnInstance(guest.uuid, "pause");
    const paused = await cloud.api.snapshotInstance(guest.uuid);
    assert.match(virsh("domstate", guest.uuid), /paused/);
    await cloud.api.actOnInstance(guest.uuid, "poweroff");
    const off = await cloud.api.snapshotInstance(guest.uuid);
    const files = [paused, off].map((uuid) => join(FILES, uuid, "vda"));
    // Nothing was written in between.
    execFileSync("qemu-img", ["compare", "-f", "qcow2", "-F", "qcow2", ...files]);
    for (const uuid of [paused, off]) await cloud.api.deleteSnapshot(guest.uuid, uuid);
    await cloud.api.actOnInstance(guest.uuid, "poweron");
  });

  it("an instance that is deleted meanwhile: nothing is left", async () => {
    const { uuid, letGo } = await beginHeld();
    const deleted = cloud.api.deleteInstance(guest.uuid);
    letGo();
    await deleted;
    assert.ok(await cloud.api.awaitDeleted(guest.uuid));
    assert.match(String(await failure(uuid)), /being deleted|while deleted/);
    await isClean();
  });
});
