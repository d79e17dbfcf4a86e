import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { Event, Instance, Snapshot } from "../../shared/api/types.ts";
import { CloudError } from "../../shared/errors.ts";
import { instanceDirectory } from "../../shared/instances/paths.ts";
import { realExec } from "../../shared/ports/exec/real.ts";
import { type FakeCloud, type FakeCloudOptions, fakeCloud, small } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const POST = "POST /instances/{instance_ref}/snapshot";

async function open(t: TestContext, more: Record<string, unknown> = {}, options: FakeCloudOptions = {}) {
  const f = await fakeCloud(options);
  t.after(() => f.close());
  const { uuid } = await f.call<Instance>("POST", "/instances", small(more), "alice");
  const path = `/instances/${uuid}/snapshot`;
  return {
    ...{ f, uuid, path, files: join(f.cloud.config.STORAGE_PATH, "snapshots") },
    take: (body?: unknown) => f.call<string>("POST", path, body, "alice"),
    list: () => f.call<Snapshot[]>("GET", path, undefined, "alice"),
    power: async () => (await f.hypervisor.getDomain(uuid))?.power,
  };
}

const filesIn = (directory: string) => readdir(directory, { recursive: true });

const schedule = async (f: FakeCloud, name: string) => {
  const found = f.table.schedules.find((each) => each.name === name) ?? assert.fail();
  await found.definition.run({ cloud: f.cloud, signal: new AbortController().signal });
};

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
      })),
    );
    const times = rows.map(({ created }) => created);
    assert.ok(times.every(Number.isInteger));
    assert.deepEqual(times, [...times].sort());
    assert.deepEqual((await readdir(files)).sort(), [...taken, whole].sort());
    assert.deepEqual((await readdir(join(files, whole))).sort(), ["hdc", "vda"]);
  });

  it(`${POST}: the copy has what the guest's disk has, and needs no other file`, async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    const run = (program: string, ...args: string[]) => realExec.run(program, args);
    for (const program of ["qemu-img", "cp"])
      f.exec.script(program, ({ args, options }) => realExec.run(program, args, options));
    const { uuid } = await f.call<Instance>("POST", "/instances", small({ disk: [{ size: 1 }] }), "alice");
    const directory = instanceDirectory(f.cloud.config, uuid);
    const base = join(directory, "base.qcow2");
    const disk = join(directory, "vda");
    await run("qemu-img", "create", "-q", "-f", "qcow2", base, "1G");
    await run("qemu-io", "-f", "qcow2", "-c", "write -P 0x11 0 64k", base);
    await run("qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", disk, "1G");
    await run("qemu-io", "-f", "qcow2", "-c", "write -P 0x22 128k 64k", disk);
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

  it(`${POST}: the guest stands still while its disk is copied, and goes on then (fault 57)`, async (t) => {
    const { f, uuid, take, power } = await open(t);
    const seen: unknown[] = [];
    const copy = f.exec.run;
    f.exec.run = async (program, ...rest) => {
      if (["cp", "qemu-img"].includes(program)) seen.push([program, await power()]);
      return copy(program, ...rest);
    };
    await take();
    await f.call("POST", `/instances/${uuid}/pause`, undefined, "alice");
    await take();
    assert.equal(await power(), "paused");
    await f.call("POST", `/instances/${uuid}/poweroff`, undefined, "alice");
    await take();
    assert.equal(await power(), "off");
    assert.deepEqual(seen, [
      ...[
        ["cp", "paused"],
        ["qemu-img", "on"],
      ],
      ...[
        ["cp", "paused"],
        ["qemu-img", "paused"],
      ],
      ...[
        ["cp", "off"],
        ["qemu-img", "off"],
      ],
    ]);
  });

  it(`${POST}: raw disks, and an instance without a disk to snapshot, are refused (fault 57)`, async (t) => {
    const flat = await open(t, {}, { config: { DISK_FORMAT: "flat" } });
    const raw = `instance ${flat.uuid}: disk vda is raw and has no snapshots`;
    await refuses(flat.f, ["POST", flat.path, { all: true }, "alice"], 409, raw);
    assert.deepEqual(await flat.list(), []);
    const disc = await open(t, { disk: [{ size: 1, type: "cdrom" }] });
    const none = `instance ${disc.uuid}: has no disk to snapshot`;
    await refuses(disc.f, ["POST", disc.path, undefined, "alice"], 409, none);
  });

  it(`${POST}: refuses what is no boolean, what is not there and what is not created`, async (t) => {
    const { f, uuid, path } = await open(t);
    for (const all of ["true", 1, {}])
      await refuses(f, ["POST", path, { all }, "alice"], 400, "all is not true or false");
    for (const method of ["GET", "POST"]) {
      await refuses(f, [method, path, undefined, "bob"], 404, "instance not found");
      await refuses(f, [method, "/instances/none/snapshot", undefined, "alice"], 404, "instance not found");
    }
    await f.call("DELETE", `/instances/${uuid}`, undefined, "alice");
    const words = `instance ${uuid}: not possible while deleted`;
    await refuses(f, ["POST", path, undefined, "alice"], 409, words);
    assert.deepEqual(await f.call("GET", path, undefined, "alice"), []);
  });

  it(`${POST}: a full disk is 507, the guest goes on and nothing is left`, async (t) => {
    const { f, uuid, path, files, power } = await open(t);
    const words = `instance ${uuid}: snapshot: no space left on its file system`;
    for (const program of ["cp", "qemu-img"]) {
      f.exec.script(program, async ({ args }) => {
        await writeFile(args.at(-1) ?? "", "half");
        return new Error("error writing: No space left on device");
      });
      const { status, body } = await f.ask("POST", path, undefined, "alice");
      assert.deepEqual([status, (body as { error: string }).error], [507, words]);
      assert.equal(await power(), "on");
      assert.equal((await f.call<Instance>("GET", `/instances/${uuid}`)).power_state, "on");
      assert.deepEqual(await filesIn(files), []);
    }
  });

  it(`${POST}: a copy that fails does not tell of the node's files`, async (t) => {
    const { f, uuid, path, files } = await open(t);
    f.exec.script("cp", () => new Error("cannot stat '/srv/shakenfist/x'"));
    const { status, body } = await f.ask("POST", path, undefined, "alice");
    assert.deepEqual(
      [status, (body as { error: string }).error],
      [500, `instance ${uuid}: the snapshot failed`],
    );
    assert.deepEqual(await filesIn(files), []);
  });

  it(`${POST}: a delete meanwhile wins, and nothing is left`, async (t) => {
    const { f, uuid, path, files } = await open(t);
    f.exec.script("qemu-img", async ({ args }) => {
      await f.call("DELETE", `/instances/${uuid}`, undefined, "alice");
      await writeFile(args.at(-1) ?? "", "");
      return {};
    });
    const { status, body } = await f.ask("POST", path, undefined, "alice");
    const words = `instance ${uuid}: not possible while deleted`;
    assert.deepEqual([status, (body as { error: string }).error], [409, words]);
    assert.deepEqual(await filesIn(files), []);
    assert.deepEqual(await f.call("GET", path, undefined, "alice"), []);
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
        ["snapshot vda", "start", null],
        ["snapshot vda", "finish", null],
        ["api", "snapshot (all=True)", snapshot],
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

describe("instances/snapshots", () => {
  const OTHER = "00000000-0000-4000-8000-000000000000";

  it("a process that died while the guest stood still: it goes on, and nothing is left", async (t) => {
    const { f, uuid, files, power } = await open(t);
    const work = join(files, `work-${uuid}-${OTHER}`);
    await mkdir(work, { recursive: true });
    await writeFile(join(work, "guest-is-paused"), "");
    await f.hypervisor.pause(uuid);
    await schedule(f, "instances/snapshots");
    assert.equal(await power(), "on");
    assert.deepEqual(await filesIn(files), []);
  });

  it("a process that died when the record was there: the files follow it", async (t) => {
    const { f, uuid, files, take, list } = await open(t);
    await take();
    const record = { uuid: OTHER, instance_uuid: uuid, devices: ["vda"], created: 1 };
    await f.cloud.store.commit([{ key: `snapshot/${uuid}/${OTHER}`, write: { put: record } }]);
    await mkdir(join(files, `work-${uuid}-${OTHER}`));
    await writeFile(join(files, `work-${uuid}-${OTHER}`, "vda"), "");
    await schedule(f, "instances/snapshots");
    assert.ok(existsSync(join(files, OTHER, "vda")));
    assert.deepEqual((await list())[0], {
      ...{ uuid: OTHER, device: "vda" },
      instance_uuid: uuid,
      created: 1,
    });
  });

  it("a snapshot under way, libvirt away, and what is not ours: are left alone", async (t) => {
    const { f, uuid, files, take, list } = await open(t);
    f.exec.script("qemu-img", async ({ args }) => {
      await schedule(f, "instances/snapshots");
      await writeFile(args.at(-1) ?? "", "");
      return {};
    });
    await take();
    assert.equal((await list()).length, 1);
    await mkdir(join(files, "work-of-somebody"));
    const work = join(files, `work-${uuid}-${OTHER}`);
    await mkdir(work);
    await writeFile(join(work, "guest-is-paused"), "");
    f.hypervisor.goAway();
    await schedule(f, "instances/snapshots");
    assert.ok(existsSync(work) && existsSync(join(files, "work-of-somebody")));
  });

  it("libvirt away when the guest should go on: it is told, and goes on later", async (t) => {
    const { f, path, power } = await open(t);
    f.exec.script("cp", () => {
      f.hypervisor.goAway();
      return new CloudError("internal", "cp: input/output error");
    });
    const { status } = await f.ask("POST", path, undefined, "alice");
    assert.equal(status, 503);
    f.hypervisor.comeBack();
    assert.equal(await power(), "paused");
    await schedule(f, "instances/snapshots");
    assert.equal(await power(), "on");
  });
});
