// Power acts and what guests do by themselves, as the record and the events tell it.
import { strict as assert } from "node:assert";
import { describe, it, type TestContext } from "node:test";
import type { Event, Instance } from "#shared/api/types.ts";
import type { InstanceRecord } from "#shared/instances/record.ts";
import { type FakeCloud, fakeCloud, small } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

async function open(t: TestContext) {
  const f = await fakeCloud();
  t.after(() => f.close());
  const { uuid } = await f.call<Instance>("POST", "/instances", small());
  const post = (what: string) => f.call<unknown>("POST", `/instances/${uuid}/${what}`);
  const power = async () => (await f.call<Instance>("GET", `/instances/${uuid}`)).power_state;
  const record = () => f.value<InstanceRecord>(`instance/${uuid}`);
  const told = async () =>
    (await f.call<Event[]>("GET", `/instances/${uuid}/events`)).map(
      ({ operation, phase }) => `${operation} ${phase}`,
    );
  const until = async (isSo: () => boolean) =>
    assert.ok(await f.cloud.store.mirror.until("instance/", () => isSo() || undefined, 5000));
  const until_told = async (what: string) => {
    for (let turn = 0; !(await told()).includes(what); turn++) {
      assert.ok(turn < 200, `not told: ${what}; but ${(await told()).join(", ")}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return { f, uuid, post, power, record, told, until, until_told };
}

async function reconcile(f: FakeCloud): Promise<void> {
  const found = f.table.schedules.find(({ name }) => name === "instances/power-state") ?? assert.fail();
  await found.definition.run({ cloud: f.cloud, signal: new AbortController().signal });
}

describe("POST /instances/{instance_ref}/<power>: the power in which an accepted call ends", () => {
  const ends: [before: string, call: string, after: string][] = [
    ["on", "poweron", "on"],
    ["off", "poweron", "on"],
    ["paused", "poweron", "on"],
    ["on", "poweroff", "off"],
    ["off", "poweroff", "off"],
    ["paused", "poweroff", "off"],
    ["on", "pause", "paused"],
    ["paused", "pause", "paused"],
    ["on", "unpause", "on"],
    ["paused", "unpause", "on"],
    ["on", "reboothard", "on"],
    ["paused", "reboothard", "on"],
    ["on", "rebootsoft", "on"],
    ["on", "reboot", "on"],
  ];
  for (const [before, call, after] of ends)
    it(`POST …/${call}: ${before} becomes ${after}`, async (t) => {
      const { post, power, f, uuid } = await open(t);
      if (before !== "on") await post(before === "off" ? "poweroff" : "pause");
      assert.equal(await power(), before);
      assert.equal(await post(call), call === "poweron" ? true : null);
      assert.equal(await power(), after);
      assert.equal((await f.hypervisor.getDomain(uuid))?.power, after);
    });

  it("POST …/rebootsoft: refuses a guest that stands still, and says what to do", async (t) => {
    const { f, uuid, post } = await open(t);
    await post("pause");
    const words = `instance ${uuid}: cannot soft reboot while paused: unpause it first, or reboot it hard`;
    for (const name of ["rebootsoft", "reboot"])
      await refuses(f, ["POST", `/instances/${uuid}/${name}`], 409, words);
  });
});

describe("soft reboots", () => {
  it("a guest that reboots: that is told once, whatever else it does", async (t) => {
    const { f, uuid, post, record, told, until, until_told } = await open(t);
    f.hypervisor.reboot(uuid);
    await post("rebootsoft");
    assert.ok(record().reboot_asked);
    f.hypervisor.reboot(uuid);
    await until(() => record().reboot_asked === undefined);
    f.hypervisor.reboot(uuid);
    await until_told("detected reboot complete");
    assert.equal((await told()).filter((each) => each === "detected reboot complete").length, 1);
  });

  it("a guest that goes off instead: is started again, and is never off in its record", async (t) => {
    const { f, uuid, post, power, record, told, until, until_told } = await open(t);
    await post("rebootsoft");
    f.hypervisor.shutDown(uuid);
    await until(() => record().reboot_asked === undefined);
    await until_told("reboot started again");
    assert.equal((await f.hypervisor.getDomain(uuid))?.power, "on");
    assert.equal(await power(), "on");
    assert.ok(!(await told()).includes("detected poweroff complete"));
  });

  it("a guest that went off while nobody was told: is started again by the reconciler", async (t) => {
    const { f, uuid, post, power } = await open(t);
    await post("rebootsoft");
    f.hypervisor.losePower(true);
    await reconcile(f);
    assert.equal((await f.hypervisor.getDomain(uuid))?.power, "on");
    assert.equal(await power(), "on");
  });

  it("a guest that cannot be started again: is off, with the reason", async (t) => {
    const { f, uuid, post, power } = await open(t);
    await post("rebootsoft");
    f.hypervisor.losePower();
    f.hypervisor.refuseNextStart("no room for it");
    await reconcile(f);
    assert.equal(await power(), "off");
    const events = await f.call<Event[]>("GET", `/instances/${uuid}/events`);
    const failure = events.find(({ operation, phase }) => operation === "reboot" && phase === "failed");
    assert.equal(failure?.message, "libvirt: no room for it");
  });

  for (const call of ["poweroff", "reboothard"])
    it(`a ${call} after it: the reboot is over, and a guest that goes off stays so`, async (t) => {
      const { f, uuid, post, power, record, until } = await open(t);
      await post("rebootsoft");
      await post(call);
      assert.equal(record().reboot_asked, undefined);
      f.hypervisor.shutDown(uuid);
      await until(() => record().power_state === "off");
      await reconcile(f);
      assert.equal(await power(), "off");
    });

  it("a guest that ignores it: is told of after two minutes, once, and stays on", async (t) => {
    const { f, uuid, post, power, told } = await open(t);
    await post("rebootsoft");
    await reconcile(f);
    assert.ok(!(await told()).includes("reboot ignored"));
    f.clock.advance(121);
    await reconcile(f);
    await reconcile(f);
    const ignored = (await f.call<Event[]>("GET", `/instances/${uuid}/events`)).filter(
      ({ phase }) => phase === "ignored",
    );
    assert.equal(ignored.length, 1);
    assert.match(ignored[0]?.message ?? "", /^the guest has not restarted within 120 s: .*reboot it hard$/);
    assert.equal(await power(), "on");
  });
});

describe("what the hypervisor tells late", () => {
  it("an event of a moment ago: does not replace what is true now", async (t) => {
    const { f, uuid, power } = await open(t);
    const reaction = f.table.reactions.find(({ name }) => name === "instances/power-state") ?? assert.fail();
    await reaction.definition.run({ cloud: f.cloud, event: { uuid, power: "off" } as never });
    assert.equal(await power(), "on");
  });

  it("a list of a moment ago: the reconciler looks again before it writes", async (t) => {
    const { f, uuid, post, power } = await open(t);
    const { listDomains } = f.hypervisor;
    f.hypervisor.listDomains = async () => {
      const then = await listDomains.call(f.hypervisor);
      await post("poweroff");
      return then;
    };
    await reconcile(f);
    assert.equal((await f.hypervisor.getDomain(uuid))?.power, "off");
    assert.equal(await power(), "off");
  });

  it("a guest that crashed: its disks stay until its owner deletes it", async (t) => {
    const { f, uuid, record, until } = await open(t);
    f.hypervisor.crash(uuid);
    await until(() => record().state === "error");
    f.clock.advance(1e6);
    const clean = f.table.schedules.find(({ name }) => name === "instances/clean-up") ?? assert.fail();
    await clean.definition.run({ cloud: f.cloud, signal: new AbortController().signal });
    await f.idle();
    assert.equal(record().state, "error");
    await f.call("DELETE", `/instances/${uuid}`);
    assert.equal(record().state, "deleted");
  });
});
