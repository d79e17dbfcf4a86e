import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { describe, it, type TestContext } from "node:test";
import type { Event, Instance, Network } from "#shared/api/types.ts";
import { CloudError } from "#shared/errors.ts";
import { consoleLog, instanceDirectory } from "#shared/instances/paths.ts";
import type { InstanceRecord } from "#shared/instances/record.ts";
import { type FakeCloud, type FakeCloudOptions, fakeCloud, small } from "../support/fake-cloud.ts";

const NONE = { cpus: 0, memory_mib: 0, disk_gib: 0 };

async function open(t: TestContext, options: FakeCloudOptions = {}) {
  const f = await fakeCloud(options);
  t.after(() => f.close());
  const network = await f.call<Network>("POST", "/networks", { netblock: "10.0.0.0/24", provide_dhcp: true });
  await f.idle();
  const body = small({ network: [{ network_uuid: network.uuid, address: "10.0.0.9" }] });
  const make = () => f.call<Instance>("POST", "/instances", body);
  return { f, network, make, clean: f.everything() };
}

/** What the store holds more than before, by the first parts of the keys; a network's mark of users goes with it. */
function leftIn(f: FakeCloud, clean: ReadonlyMap<string, unknown>): string[] {
  const kinds = [...f.everything().keys()].filter((key) => !clean.has(key)).map((key) => key.split("/")[0]);
  return [...new Set(kinds)].filter((kind) => !kind?.endsWith("-users")).sort() as string[];
}

const RECORDS = ["claim", "instance", "interface"];

const record = (f: FakeCloud, uuid: string) => f.value<InstanceRecord>(`instance/${uuid}`);

const STEPS = ["ensureNetworksExist", "fetchImages", "makeConfigDrive", "createDisks", "createDomain"];

describe("instances/start", () => {
  it("a start that libvirt refuses: is an error with its words, and holds nothing", async (t) => {
    const { f, network, make, clean } = await open(t);
    f.hypervisor.start = () => Promise.reject(new CloudError("internal", "libvirt: it will not"));
    const made = await make();
    await f.idle();
    assert.deepEqual([made.state, made.error_message], ["error", "libvirt: it will not"]);
    assert.deepEqual(leftIn(f, clean), RECORDS);
    assert.deepEqual(f.value("claim/sf-1"), NONE);
    assert.deepEqual(f.network.plans.get(network.uuid)?.gateway?.dhcp?.hosts, []);
    assert.deepEqual(await readdir(instanceDirectory(f.cloud.config, made.uuid)), []);
    assert.equal(await f.hypervisor.getDomain(made.uuid), undefined);
    const events = await f.call<Event[]>("GET", `/instances/${made.uuid}/events`);
    assert.ok(
      events.some(({ operation, phase }) => operation === "error message" && phase === made.error_message),
    );
  });

  it("a start that is refused once: succeeds", async (t) => {
    const { f, make } = await open(t);
    f.hypervisor.refuseNextStart("not now");
    assert.equal((await make()).state, "created");
  });

  it("a full disk: is told at once, without trying again", async (t) => {
    const { f, make } = await open(t);
    f.exec.script("qemu-img", () => new CloudError("insufficient", "disk: no space left"));
    assert.match((await make()).error_message ?? "", /no space left on its file system$/);
    assert.equal(f.exec.runs.filter(({ program }) => program === "qemu-img").length, 1);
  });

  it("libvirt away: the start waits, and an answer tells how far it is", async (t) => {
    const { f, make } = await open(t, { config: { API_ASYNC_WAIT: "0" } });
    f.hypervisor.goAway();
    const made = await make();
    assert.ok(["initial", "creating"].includes(made.state));
    f.hypervisor.comeBack();
    await f.idle();
    assert.equal(record(f, made.uuid).state, "created");
  });

  it("every step done twice: the guest runs, and nothing is left after it", async (t) => {
    const { f: first, clean } = await open(t);
    let f = first;
    for (const step of STEPS) {
      f = await f.restart({ FAILPOINT: `instances/start:${step}:twice` });
      const [network_uuid] = [...f.network.plans.keys()];
      const made = await f.call<Instance>("POST", "/instances", small({ network: [{ network_uuid }] }));
      assert.equal(made.state, "created", step);
      await f.call("DELETE", `/instances/${made.uuid}`);
      await f.idle();
    }
    t.after(() => f.close());
    assert.deepEqual(leftIn(f, clean), RECORDS);
    assert.deepEqual(f.value("claim/sf-1"), NONE);
  });

  for (const step of STEPS) {
    it(`${step} fails always: an error, and nothing is left (fault 16)`, async (t) => {
      const { f, make, clean } = await open(t, {
        config: { FAILPOINT: `instances/start:${step}:fail-always` },
      });
      const made = await make();
      await f.idle();
      assert.deepEqual([made.state, made.error_message], ["error", "failpoint: told to fail"]);
      assert.deepEqual(leftIn(f, clean), RECORDS);
      assert.deepEqual(f.value("claim/sf-1"), NONE);
      assert.equal(await f.hypervisor.getDomain(made.uuid), undefined);
    });
  }
});

describe("instances/delete", () => {
  it("a delete while it starts: wins, and the start does not come back", async (t) => {
    const { f, clean } = await open(t, { config: { API_ASYNC_WAIT: "0" } });
    const reached = new Promise<void>((resolve) => {
      f.exec.script("genisoimage", async () => {
        resolve();
        await asked;
        return new CloudError("unavailable", "genisoimage: stopped");
      });
    });
    let release = () => {};
    const asked = new Promise<void>((resolve) => {
      release = resolve;
    });
    const [network_uuid] = [...f.network.plans.keys()];
    const { uuid } = await f.call<Instance>("POST", "/instances", small({ network: [{ network_uuid }] }));
    await reached;
    await f.call("DELETE", `/instances/${uuid}`);
    await f.call("DELETE", `/instances/${uuid}`);
    assert.equal(record(f, uuid).doomed, true);
    release();
    await f.idle();
    assert.equal(record(f, uuid).state, "deleted");
    assert.equal(await f.hypervisor.getDomain(uuid), undefined);
    assert.deepEqual(leftIn(f, clean), RECORDS);
    assert.deepEqual(f.value("claim/sf-1"), NONE);
  });

  it("a delete: leaves the console's log until the record goes", async (t) => {
    const { f, make } = await open(t);
    const { uuid } = await make();
    await writeFile(consoleLog(f.cloud.config, uuid), "panic");
    await f.call("DELETE", `/instances/${uuid}`);
    assert.deepEqual(await readdir(instanceDirectory(f.cloud.config, uuid)), ["console.log"]);
    f.clock.advance(f.cloud.config.CLEANER_DELAY + 1);
    await schedule(f, "instances/clean-up");
    assert.ok(!existsSync(instanceDirectory(f.cloud.config, uuid)));
    assert.ok(!f.everything().has(`instance/${uuid}`));
    assert.equal((await f.ask("GET", `/instances/${uuid}`)).status, 404);
    assert.equal(await f.cloud.store.count(`event/instance/${uuid}/`), 0);
  });

  it("a clean-up that the store cuts off: leaves no history without a record", async (t) => {
    const { f, make } = await open(t);
    const { uuid } = await make();
    await f.call("DELETE", `/instances/${uuid}`);
    await f.cloud.events.flush();
    f.clock.advance(f.cloud.config.CLEANER_DELAY + 1);
    const { clear } = f.cloud.store;
    f.cloud.store.clear = () => Promise.reject(new CloudError("unavailable", "store: cut off"));
    await schedule(f, "instances/clean-up");
    f.cloud.store.clear = clear;
    await schedule(f, "instances/clean-up");
    assert.ok(!f.everything().has(`instance/${uuid}`));
    assert.equal(await f.cloud.store.count(`event/instance/${uuid}/`), 0);
  });

  it("a delete that fails: is an error that still holds what it had; the next one takes all away", async (t) => {
    const { f, make, clean } = await open(t, {
      config: { FAILPOINT: "instances/delete:deleteDisks:fail-always" },
    });
    const { uuid } = await make();
    await f.call("DELETE", `/instances/${uuid}`);
    await f.idle();
    const failed = record(f, uuid);
    assert.deepEqual(
      [failed.state, failed.leftovers, failed.error_message],
      ["error", true, "could not be deleted: failpoint: told to fail"],
    );
    assert.equal(f.value<{ cpus: number }>("claim/sf-1").cpus, 1);
    const mended = await f.restart({ FAILPOINT: "" });
    t.after(() => mended.close());
    await mended.call("DELETE", `/instances/${uuid}`);
    await mended.idle();
    assert.equal(record(mended, uuid).state, "deleted");
    assert.deepEqual(mended.value("claim/sf-1"), NONE);
    assert.deepEqual(leftIn(mended, clean), RECORDS);
  });

  it("a delete that fails of one that had failed and was taken back: gives nothing back twice", async (t) => {
    const { f, make } = await open(t, { config: { FAILPOINT: "instances/delete:deleteDisks:fail-always" } });
    f.exec.script("qemu-img", () => new CloudError("insufficient", "disk: no space left"));
    const { uuid, state } = await make();
    assert.equal(state, "error");
    await f.call("DELETE", `/instances/${uuid}`);
    await f.idle();
    const mended = await f.restart({ FAILPOINT: "" });
    t.after(() => mended.close());
    await mended.call("DELETE", `/instances/${uuid}`);
    assert.deepEqual(mended.value("claim/sf-1"), NONE);
  });
});

describe("the power of instances", () => {
  it("a guest that ends by itself: is off, and told of", async (t) => {
    const { f, make } = await open(t);
    const { uuid } = await make();
    f.hypervisor.shutDown(uuid);
    const off = () => record(f, uuid).power_state === "off" || undefined;
    assert.ok(await f.cloud.store.mirror.until("instance/", off, 5000));
    const events = await f.call<Event[]>("GET", `/instances/${uuid}/events`);
    assert.ok(
      events.some(({ operation, phase }) => operation === "detected poweroff" && phase === "complete"),
    );
  });

  it("a guest that crashes: is an error that can be deleted", async (t) => {
    const { f, make } = await open(t);
    const { uuid } = await make();
    f.hypervisor.crash(uuid);
    const over = () => record(f, uuid).state === "error" || undefined;
    assert.ok(await f.cloud.store.mirror.until("instance/", over, 5000));
    assert.match(record(f, uuid).error_message ?? "", /^the guest crashed; its disks are kept/);
    await f.call("DELETE", `/instances/${uuid}`);
    assert.deepEqual(f.value("claim/sf-1"), NONE);
  });

  it("libvirt away: changes no record; back: what happened meanwhile is read", async (t) => {
    const { f, make } = await open(t);
    const { uuid } = await make();
    f.hypervisor.goAway();
    f.hypervisor.shutDown(uuid);
    await assert.rejects(schedule(f, "instances/power-state"));
    assert.equal(record(f, uuid).power_state, "on");
    f.hypervisor.comeBack();
    const off = () => record(f, uuid).power_state === "off" || undefined;
    assert.ok(await f.cloud.store.mirror.until("instance/", off, 5000));
  });
});

function schedule(f: FakeCloud, name: string): Promise<void> {
  const found = f.table.schedules.find((each) => each.name === name);
  assert.ok(found);
  return found.definition.run({ cloud: f.cloud, signal: new AbortController().signal });
}
