import { strict as assert } from "node:assert";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Event, Instance } from "#shared/api/types.ts";
import { instanceDirectory } from "#shared/instances/paths.ts";
import { realExec } from "#shared/ports/exec/real.ts";
import { eventually } from "../support/await.ts";
import { fakeCloud, small } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";
import { begun, filesIn, nothingLeft, openSnapshots as open, schedule } from "../support/snapshots.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const POST = "POST /instances/{instance_ref}/snapshot";

describe("snapshots", () => {
  it(`${POST}: of the first disk, or of all but CD-ROMs; told in order, in whole seconds`, async (t) => {
    const disk = [{ size: 8 }, { size: 1, bus: "ide" }, { size: 1, type: "cdrom", bus: "ide" }];
    const { f, uuid, files, take, list } = await open(t, { disk });
    const taken: string[] = [];
    for (const body of [undefined, { all: null }, { all: false }]) {
      taken.push(await take(body));
      f.clock.advance(1);
    }
    const whole = await take({ all: true });
    assert.ok([...taken, whole].every((each) => UUID.test(each)));
    const rows = await list();
    assert.deepEqual(
      rows.map((row) => ({ ...row, created: 0 })),
      [...taken.map((each) => [each, "vda"]), [whole, "vda"], [whole, "hdc"]].map(([snapshot, device]) => ({
        ...{ uuid: snapshot, device, instance_uuid: uuid, created: 0 },
        ...{ state: "created", size: 23, progress: 100 },
      })),
    );
    const times = rows.map(({ created }) => created);
    assert.ok(times.every(Number.isInteger));
    assert.deepEqual(times, [...times].sort());
    assert.deepEqual((await readdir(files)).sort(), [...taken, whole].sort());
    assert.deepEqual((await readdir(join(files, whole))).sort(), ["hdc", "vda"]);
  });

  it(`${POST}: of a guest that is off, the copy has what its disk has, and needs no other file`, async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    const run = (program: string, ...args: string[]) => realExec.run(program, args);
    f.exec.script("qemu-img", ({ args, options }) => realExec.run("qemu-img", args, options));
    const { uuid } = await f.call<Instance>("POST", "/instances", small({ disk: [{ size: 1 }] }), "alice");
    const directory = instanceDirectory(f.cloud.config, uuid);
    const base = join(directory, "base.qcow2");
    const disk = join(directory, "vda");
    await run("qemu-img", "create", "-q", "-f", "qcow2", base, "1G");
    await run("qemu-io", "-f", "qcow2", "-c", "write -P 0x11 0 64k", base);
    await run("qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", disk, "1G");
    await run("qemu-io", "-f", "qcow2", "-c", "write -P 0x22 128k 64k", disk);
    await f.call("POST", `/instances/${uuid}/poweroff`, undefined, "alice");
    const snapshot = await f.call<string>("POST", `/instances/${uuid}/snapshot`, undefined, "alice");
    await run("qemu-io", "-f", "qcow2", "-c", "write -P 0x33 0 64k", disk);
    const copy = join(f.cloud.config.STORAGE_PATH, "snapshots", snapshot, "vda");
    const info = JSON.parse((await run("qemu-img", "info", "--output=json", copy)).stdout);
    assert.deepEqual(
      [info.format, info["virtual-size"], info["backing-filename"]],
      ["qcow2", 2 ** 30, undefined],
    );
    const reads = ["read -P 0x11 0 64k", "read -P 0 64k 64k", "read -P 0x22 128k 64k"];
    const { stdout } = await run("qemu-io", "-f", "qcow2", ...reads.flatMap((each) => ["-c", each]), copy);
    assert.doesNotMatch(stdout, /failed/);
  });

  it(`${POST}: a guest that runs or is paused is copied as it is, one that is off by qemu-img (fault 57)`, async (t) => {
    const { f, uuid, take, power, powerOff } = await open(t);
    const made = () =>
      f.exec.runs.filter(({ program, args }) => program === "qemu-img" && args[0] === "convert");
    await take();
    assert.equal(await power(), "on");
    await f.call("POST", `/instances/${uuid}/pause`, undefined, "alice");
    await take();
    assert.deepEqual([await power(), made().length], ["paused", 0]);
    await powerOff();
    await take();
    assert.equal(await power(), "off");
    assert.deepEqual(made()[0]?.args.slice(0, 6), ["convert", "-p", "-f", "qcow2", "-O", "qcow2"]);
  });

  it(`${POST}: raw disks become qcow2 files, running or not (fault 57)`, async (t) => {
    const { f, take, list, powerOff } = await open(t, {}, { config: { DISK_FORMAT: "flat" } });
    await take({ all: true });
    await powerOff();
    await take({ all: true });
    assert.deepEqual(
      (await list()).map(({ device }) => device),
      ["vda", "vda"],
    );
    const converted = f.exec.runs.find(({ args }) => args[0] === "convert");
    assert.deepEqual(converted?.args.slice(2, 6), ["-f", "raw", "-O", "qcow2"]);
  });

  it(`${POST}: an instance without a disk to snapshot is refused (fault 57)`, async (t) => {
    const disc = await open(t, { disk: [{ size: 1, type: "cdrom" }] });
    const none = `instance ${disc.uuid}: has no disk to snapshot`;
    await refuses(disc.f, ["POST", disc.path, undefined, "alice"], 409, none);
  });

  it(`${POST}: with wait false it is answered at once; the list tells how far it is`, async (t) => {
    const opened = await open(t);
    const { f, take, list } = opened;
    f.hypervisor.holdBackups(40);
    const uuid = await take({ wait: false });
    const row = await eventually("progress", 5000, async () =>
      (await list()).find((each) => each.progress === 40),
    );
    assert.deepEqual([row.uuid, row.state, row.size], [uuid, "creating", null]);
    const file = `${opened.path}/${uuid}/vda`;
    const unfinished = `snapshot ${uuid}: is still being made; ask again when it is created`;
    await refuses(f, ["GET", file, undefined, "alice"], 409, unfinished);
    f.hypervisor.releaseBackups();
    await eventually("the end", 5000, async () => (await list())[0]?.state === "created" || undefined);
    assert.equal(
      (await f.call<Event[]>("GET", `/instances/${opened.uuid}/events`)).filter(
        ({ phase }) => phase === "progress",
      ).length,
      1,
    );
  });

  it(`${POST}: refuses what is no boolean, what is not there and what is not created`, async (t) => {
    const { f, uuid, path } = await open(t);
    for (const all of ["true", 1, {}])
      await refuses(f, ["POST", path, { all }, "alice"], 400, "all is not true or false");
    await refuses(f, ["POST", path, { wait: "no" }, "alice"], 400, "wait is not true or false");
    for (const method of ["GET", "POST"]) {
      await refuses(f, [method, path, undefined, "bob"], 404, "instance not found");
      await refuses(f, [method, "/instances/none/snapshot", undefined, "alice"], 404, "instance not found");
    }
    await f.call("DELETE", `/instances/${uuid}`, undefined, "alice");
    const words = `instance ${uuid}: not possible while deleted`;
    await refuses(f, ["POST", path, undefined, "alice"], 409, words);
    assert.deepEqual(await f.call("GET", path, undefined, "alice"), []);
  });

  it(`${POST}: a full disk is 507, and nothing is left`, async (t) => {
    const opened = await open(t);
    const words = `instance ${opened.uuid}: snapshot: no space left on its file system`;
    opened.f.hypervisor.failBackups("No space left on device");
    assert.deepEqual(await opened.refused(), [507, words, words]);
    await nothingLeft(opened);
    await opened.powerOff();
    opened.f.exec.script("qemu-img", async ({ args }) => {
      await writeFile(args.at(-1) ?? "", "half");
      return new Error("error writing: No space left on device");
    });
    assert.deepEqual(await opened.refused(), [507, words, words]);
    await nothingLeft(opened);
  });

  it(`${POST}: a copy that fails does not tell of the node's files`, async (t) => {
    const opened = await open(t);
    opened.f.hypervisor.failBackups("cannot write '/srv/shakenfist/x'");
    const words = `instance ${opened.uuid}: the snapshot failed`;
    assert.deepEqual(await opened.refused(), [500, words, words]);
    await nothingLeft(opened);
  });

  it(`${POST}: that takes longer than SNAPSHOT_TIMEOUT ends, and nothing is left`, async (t) => {
    const opened = await open(t, {}, { config: { SNAPSHOT_TIMEOUT: "1" } });
    opened.f.hypervisor.holdBackups(3);
    const words = `instance ${opened.uuid}: snapshot: not done after 1 s (SNAPSHOT_TIMEOUT)`;
    assert.deepEqual(await opened.refused(), [503, words, words]);
    await nothingLeft(opened);
  });

  it(`${POST}: a delete of the instance meanwhile wins, on or off, and nothing is left`, async (t) => {
    for (const state of ["on", "off"]) {
      const opened = await open(t);
      const { f, uuid } = opened;
      const remove = () => f.call("DELETE", `/instances/${uuid}`, undefined, "alice");
      f.hypervisor.holdBackups(1);
      if (state === "off") await opened.powerOff();
      f.exec.script("qemu-img", async ({ args }) => {
        await remove();
        await writeFile(args.at(-1) ?? "", "");
        return {};
      });
      const asked = opened.refused();
      if (state === "on") await begun(opened).then(remove);
      const [status, words] = await asked;
      assert.equal(status, 409);
      assert.match(String(words), /is being deleted|not possible while deleted/);
      await nothingLeft(opened);
    }
  });

  it(`${POST}: a guest that goes off meanwhile is a conflict, and nothing is left`, async (t) => {
    const opened = await open(t);
    opened.f.hypervisor.holdBackups(1);
    const asked = opened.refused();
    await begun(opened);
    await opened.powerOff();
    const words = `instance ${opened.uuid}: snapshot: the guest went off meanwhile; ask for it again`;
    assert.deepEqual(await asked, [409, words, words]);
    await nothingLeft(opened);
  });

  it(`${POST}: libvirt away meanwhile is waited out`, async (t) => {
    const opened = await open(t);
    const { f } = opened;
    f.hypervisor.holdBackups(1);
    const taken = opened.take();
    await begun(opened);
    f.hypervisor.goAway();
    f.hypervisor.releaseBackups();
    f.hypervisor.comeBack();
    await taken;
    assert.equal((await opened.list())[0]?.state, "created");
  });

  it(`${POST}: a hundred of an instance are the most`, async (t) => {
    const { f, uuid, path, take } = await open(t);
    const made = await take();
    const record = f.value<object>(`snapshot/${uuid}/${made}`);
    const changes = Array.from({ length: 99 }, (_, index) => ({
      key: `snapshot/${uuid}/${index}`,
      write: { put: record },
    }));
    await f.cloud.store.commit(changes);
    const words = `instance ${uuid}: has 100 snapshots, which is the most`;
    await refuses(f, ["POST", path, undefined, "alice"], 507, words);
  });

  it("GET /instances/{instance_ref}/events: tells of each disk and of the whole", async (t) => {
    const { f, uuid, take } = await open(t);
    const snapshot = await take({ all: true });
    const events = await f.call<Event[]>("GET", `/instances/${uuid}/events`);
    const told = events.filter((event) => /snapshot/.test(`${event.operation} ${event.phase}`));
    assert.deepEqual(
      told.map(({ operation, phase, message }) => [operation, phase, message]),
      [
        ["api", "snapshot (all=True)", snapshot],
        ["snapshot vda", "start", snapshot],
        ["snapshot vda", "finish", snapshot],
      ],
    );
  });

  it("instances/clean-up: files and rows go with the instance's record", async (t) => {
    const { f, uuid, files, take, list } = await open(t);
    await take();
    await f.call("DELETE", `/instances/${uuid}`, undefined, "alice");
    await schedule(f, "instances/clean-up");
    assert.equal((await list()).length, 1);
    f.clock.advance(f.cloud.config.CLEANER_DELAY + 1);
    await schedule(f, "instances/clean-up");
    assert.deepEqual(await filesIn(files), []);
    assert.ok(![...f.everything().keys()].some((key) => key.startsWith("snapshot/")));
  });
});
