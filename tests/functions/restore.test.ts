// What a node does once its host has lost power: guests as they were, whatever happens on the way.
import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { Event, Instance, Network } from "#shared/api/types.ts";
import { CloudError } from "#shared/errors.ts";
import { observePower } from "#shared/instances/power.ts";
import { reconcilePower } from "#shared/instances/reboot.ts";
import type { InstanceRecord } from "#shared/instances/record.ts";
import { type FakeCloud, type FakeCloudOptions, fakeCloud, small } from "../support/fake-cloud.ts";

async function open(t: TestContext, options: FakeCloudOptions = {}) {
  const f = await fakeCloud(options);
  let last = f;
  t.after(() => last.close());
  const { uuid: network_uuid } = await f.call<Network>("POST", "/networks", { netblock: "10.0.0.0/24" });
  const make = () => f.call<Instance>("POST", "/instances", small({ network: [{ network_uuid }] }));
  const go = async (next: Promise<FakeCloud>) => (last = await next);
  return { f, network_uuid, make, go };
}

const shown = (f: FakeCloud, uuid: string) => f.call<Instance>("GET", `/instances/${uuid}`);

async function told(f: FakeCloud, uuid: string): Promise<string[]> {
  const events = await f.call<Event[]>("GET", `/instances/${uuid}/events`);
  return events.map(({ operation, phase }) => `${operation} ${phase}`);
}

async function schedule(f: FakeCloud, name: string): Promise<void> {
  const found = f.table.schedules.find((each) => each.name === name) ?? assert.fail();
  await found.definition.run({ cloud: f.cloud, signal: new AbortController().signal });
}

const jobsOf = (f: FakeCloud) => [...f.everything().keys()].filter((key) => key.startsWith("job/"));

describe("instances/restore", () => {
  it("a host that restarted: has its guests on, paused and off as they were, and their networks", async (t) => {
    const { f: first, network_uuid, make, go } = await open(t);
    const [on, paused, off] = [await make(), await make(), await make()].map(({ uuid }) => uuid) as [
      string,
      string,
      string,
    ];
    await first.call("POST", `/instances/${paused}/pause`);
    await first.call("POST", `/instances/${off}/poweroff`);
    const images = first.exec.runs.filter(({ program }) => program === "qemu-img").length;
    const f = await go(first.reboot());
    await f.idle();
    assert.deepEqual(await f.hypervisor.getDomain(on), { uuid: on, power: "on" });
    assert.deepEqual(await f.hypervisor.getDomain(paused), { uuid: paused, power: "paused" });
    assert.equal(await f.hypervisor.getDomain(off), undefined);
    await reconcilePower(f.cloud);
    for (const [uuid, power] of [
      [on, "on"],
      [paused, "paused"],
      [off, "off"],
    ] as const)
      assert.deepEqual(
        [(await shown(f, uuid)).state, (await shown(f, uuid)).power_state],
        ["created", power],
      );
    assert.ok(f.network.plans.has(network_uuid));
    assert.equal(f.exec.runs.filter(({ program }) => program === "qemu-img").length, images);
    const events = await told(f, on);
    assert.ok(events.includes("restore start") && events.includes("restore finish"), String(events));
    assert.ok(!events.includes("detected poweroff complete"));
    assert.equal(await f.call("POST", `/instances/${off}/poweron`), true);
  });

  it("a start of the process alone: a guest that is off by then has gone off by itself", async (t) => {
    const { f: first, make, go } = await open(t);
    const { uuid } = await make();
    const restarted = first.restart();
    first.hypervisor.losePower();
    const f = await go(restarted);
    await schedule(f, "instances/power-state");
    assert.equal((await shown(f, uuid)).power_state, "off");
    assert.ok((await told(f, uuid)).includes("detected poweroff complete"));
    assert.deepEqual(jobsOf(f), []);
  });

  it("until a guest is back: no report of its power is believed, and calls are told to try again", async (t) => {
    const { f: first, make, go } = await open(t);
    const { uuid } = await make();
    await first.call("POST", `/instances/${uuid}/pause`);
    const waiting = await go(first.reboot({ works: false }));
    await reconcilePower(waiting.cloud);
    for (const power of ["off", "on", "crashed"] as const) await observePower(waiting.cloud, uuid, power);
    const { state, power_state } = waiting.value<InstanceRecord>(`instance/${uuid}`);
    assert.deepEqual([state, power_state], ["created", "paused"]);
    const words = `instance ${uuid}: is being brought back after node sf-1 restarted, try again`;
    for (const act of ["poweron", "poweroff", "pause", "unpause", "reboothard"]) {
      const { status, body, headers } = await waiting.ask("POST", `/instances/${uuid}/${act}`);
      assert.deepEqual(
        [status, (body as { error: string }).error, headers["Retry-After"]],
        [503, words, "2"],
      );
    }
  });

  it("a process that dies before its guests are back: the next one brings them back", async (t) => {
    const { f: first, make, go } = await open(t);
    const { uuid } = await make();
    const waiting = await go(first.reboot({ works: false }));
    assert.deepEqual(jobsOf(waiting), [`job/sf-1/instances.restore.${uuid}`]);
    const again = await go(waiting.restart({}, true));
    await again.idle();
    assert.equal((await again.hypervisor.getDomain(uuid))?.power, "on");
  });

  it("a process that dies before it has written that the host restarted: queues the same again", async (t) => {
    const { f: first, make, go } = await open(t);
    const { uuid } = await make();
    const boot = await first.cloud.store.get("boot/sf-1");
    const waiting = await go(first.reboot({ works: false }));
    await waiting.cloud.store.commit([{ key: "boot/sf-1", write: { put: boot?.value } }]);
    const again = await go(waiting.restart({}, true));
    await again.idle();
    assert.equal((await again.hypervisor.getDomain(uuid))?.power, "on");
  });

  it("more guests than one transaction takes: all come back", async (t) => {
    const { f: first, make, go } = await open(t);
    const { uuid } = await make();
    const record = first.value<InstanceRecord>(`instance/${uuid}`);
    const uuids = Array.from({ length: 230 }, () => crypto.randomUUID());
    for (const each of uuids)
      await first.cloud.store.commit([
        {
          key: `instance/${each}`,
          write: { put: { ...record, uuid: each, interface_uuids: [] } },
        },
      ]);
    const f = await go(first.reboot({ works: false }));
    assert.equal(jobsOf(f).length, 231);
  });

  it("one that is to be deleted: is deleted, not brought back", async (t) => {
    const { f: first, make, go } = await open(t, { config: { API_ASYNC_WAIT: "0" } });
    const { uuid } = await make();
    await first.idle();
    const waiting = await go(first.reboot({ works: false }));
    await waiting.call("DELETE", `/instances/${uuid}`);
    assert.equal(jobsOf(waiting).length, 2);
    const f = await go(waiting.restart({}, true));
    await f.idle();
    assert.equal((await shown(f, uuid)).state, "deleted");
    assert.equal(await f.hypervisor.getDomain(uuid), undefined);
  });

  it("one that was starting: starts from its first step", async (t) => {
    const { f: first, network_uuid, make, go } = await open(t, { config: { API_ASYNC_WAIT: "0" } });
    first.hypervisor.goAway();
    const { uuid } = await make();
    const isThere = () =>
      first.cloud.store.mirror.get<{ step: string }>(`job/sf-1/instances.start.${uuid}`)?.value.step ===
        "createDomain" || undefined;
    assert.ok(await first.cloud.store.mirror.until("job/", isThere, 5000));
    const rebooting = first.reboot();
    first.hypervisor.comeBack();
    const f = await go(rebooting);
    await f.idle();
    assert.deepEqual([(await shown(f, uuid)).state, (await shown(f, uuid)).power_state], ["created", "on"]);
    assert.ok(f.network.plans.has(network_uuid));
  });

  it("one that was being deleted: is deleted, however long the host was away", async (t) => {
    const { f: first, make, go } = await open(t, { config: { API_ASYNC_WAIT: "0" } });
    const { uuid } = await make();
    await first.idle();
    const key = `job/sf-1/instances.delete.${uuid}`;
    const resting = await go(first.restart({}, false));
    await resting.call("DELETE", `/instances/${uuid}`);
    const asked = resting.value<{ created: number }>(key);
    const begun = asked.created - 24 * 3600;
    await resting.cloud.store.commit([{ key, write: { put: { ...asked, step: "deleteDomain", begun } } }]);
    const f = await go(resting.reboot({ works: true }));
    await f.idle();
    const { state, error_message } = await shown(f, uuid);
    assert.deepEqual([state, error_message], ["deleted", null]);
  });

  it("a config drive that is missing: is made again", async (t) => {
    const { f: first, make, go } = await open(t);
    const { uuid } = await make();
    const drive = join(first.cloud.config.STORAGE_PATH, "instances", uuid, "config-drive.iso");
    await rm(drive);
    const f = await go(first.reboot());
    await f.idle();
    assert.ok(existsSync(drive));
    assert.equal((await shown(f, uuid)).power_state, "on");
  });

  it("a disk that is missing: an error that says which, and nothing of it is made or removed", async (t) => {
    const { f: first, make, go } = await open(t);
    const { uuid } = await make();
    const directory = join(first.cloud.config.STORAGE_PATH, "instances", uuid);
    await rm(join(directory, "vda"));
    const f = await go(first.reboot());
    await f.idle();
    const { state, power_state, error_message } = await shown(f, uuid);
    assert.deepEqual([state, power_state], ["error", "off"]);
    assert.equal(
      error_message,
      "could not be brought back after node sf-1 restarted: disk vda is missing on node sf-1; its disks are kept until it is deleted",
    );
    assert.ok(!existsSync(join(directory, "vda")) && existsSync(join(directory, "config-drive.iso")));
  });

  it("one that libvirt refuses: an error whose disks stay until its owner deletes it", async (t) => {
    const { f: first, make, go } = await open(t);
    const { uuid } = await make();
    const disk = join(first.cloud.config.STORAGE_PATH, "instances", uuid, "vda");
    first.hypervisor.start = () => Promise.reject(new CloudError("internal", "libvirt: no such machine"));
    const f = await go(first.reboot());
    await f.idle();
    assert.match(
      (await shown(f, uuid)).error_message ?? "",
      /restarted: libvirt: no such machine; its disks/,
    );
    f.clock.advance(f.cloud.config.CLEANER_DELAY + 1);
    await schedule(f, "instances/clean-up");
    await f.idle();
    assert.equal((await shown(f, uuid)).state, "error");
    assert.ok(existsSync(disk));
    await f.call("DELETE", `/instances/${uuid}`);
    assert.ok(!existsSync(disk));
    assert.deepEqual(f.value("claim/sf-1"), { cpus: 0, memory_mib: 0, disk_gib: 0 });
  });

  it("libvirt that comes later than the node: is waited for", async (t) => {
    const { f: first, make, go } = await open(t);
    const { uuid } = await make();
    const rebooting = first.reboot();
    first.hypervisor.goAway();
    const f = await go(rebooting);
    assert.equal(jobsOf(f).length, 1);
    f.hypervisor.comeBack();
    await f.idle();
    assert.equal((await f.hypervisor.getDomain(uuid))?.power, "on");
  });

  for (const step of ["checkDisks", "ensureNetworksExist", "ensureConfigDrive", "restore"]) {
    it(`${step} done twice: the guest is as it was`, async (t) => {
      const { f: first, make, go } = await open(t);
      const { uuid } = await make();
      await first.call("POST", `/instances/${uuid}/pause`);
      const f = await go(first.reboot({ config: { FAILPOINT: `instances/restore:${step}:twice` } }));
      await f.idle();
      assert.deepEqual((await shown(f, uuid)).power_state, "paused");
      assert.equal((await f.hypervisor.getDomain(uuid))?.power, "paused");
    });

    it(`${step} fails always: an error with the reason, and the guest does not run`, async (t) => {
      const { f: first, make, go } = await open(t);
      const { uuid } = await make();
      const f = await go(first.reboot({ config: { FAILPOINT: `instances/restore:${step}:fail-always` } }));
      await f.idle();
      assert.match(
        (await shown(f, uuid)).error_message ?? "",
        /restarted: failpoint: told to fail; its disks/,
      );
      assert.notEqual((await f.hypervisor.getDomain(uuid))?.power, "on");
    });
  }

  it("a snapshot that the loss of power cut off: is taken back, and the guest brought back", async (t) => {
    const { f: first, make, go } = await open(t);
    const { uuid } = await make();
    const snapshot = crypto.randomUUID();
    const key = `snapshot/${uuid}/${snapshot}`;
    const record = { uuid: snapshot, instance_uuid: uuid, devices: ["vda"], created: 1, state: "creating" };
    await first.cloud.store.commit([{ key, write: { put: record } }]);
    const files = join(first.cloud.config.STORAGE_PATH, "snapshots", snapshot);
    await mkdir(files, { recursive: true });
    await writeFile(join(files, "vda.tmp"), "");
    const f = await go(first.reboot());
    await f.idle();
    await schedule(f, "instances/snapshots");
    assert.equal((await shown(f, uuid)).power_state, "on");
    assert.ok(!existsSync(files));
    assert.ok(!f.everything().has(key));
  });
});
