// What every hypervisor must do, run against the fake and against libvirt.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { isKind } from "#shared/errors.ts";
import type { Hypervisor, PowerState } from "#shared/ports/hypervisor/hypervisor.ts";

/** A hypervisor and the hand on the machine behind it. */
export interface Bench {
  readonly hypervisor: Hypervisor;
  /** A definition of a guest that can start. */
  makeDefinition(uuid: string): Promise<string>;
  addForeign(uuid: string): Promise<void>;
  crash(uuid: string): Promise<void>;
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

/** Resolves at the next power change of this domain to this power. */
export function nextPower(hypervisor: Hypervisor, uuid: string, power: PowerState): Promise<void> {
  return new Promise((resolve) => {
    const stop = hypervisor.onPower((domain) => {
      if (domain.uuid !== uuid || domain.power !== power) return;
      stop();
      resolve();
    });
  });
}

export function nextReturn(hypervisor: Hypervisor): Promise<void> {
  return new Promise((resolve) => {
    const stop = hypervisor.onReturn(() => {
      stop();
      resolve();
    });
  });
}

export function hypervisorContract(name: string, openBench: () => Promise<Bench>): void {
  describe(`${name}: the contract`, () => checkContract(name, openBench));
}

function checkContract(name: string, openBench: () => Promise<Bench>): void {
  const timeout = 30_000;
  let bench: Bench;
  let hypervisor: Hypervisor;

  before(async () => {
    bench = await openBench();
    hypervisor = bench.hypervisor;
  });
  after(() => bench.close());

  async function defineGuest(): Promise<string> {
    const uuid = randomUUID();
    await hypervisor.define(await bench.makeDefinition(uuid));
    return uuid;
  }

  async function startGuest(): Promise<string> {
    const uuid = await defineGuest();
    await hypervisor.start(uuid);
    return uuid;
  }

  async function removeGuest(uuid: string): Promise<void> {
    await hypervisor.powerOff(uuid);
    await hypervisor.undefine(uuid);
  }

  const powerOf = async (uuid: string) => (await hypervisor.getDomain(uuid))?.power;

  test(`${name}: define: makes a domain that is off and listed; again replaces it`, { timeout }, async () => {
    const uuid = await defineGuest();
    await hypervisor.define(await bench.makeDefinition(uuid));
    assert.deepEqual(await hypervisor.getDomain(uuid), { uuid, power: "off" });
    assert.deepEqual(
      (await hypervisor.listDomains()).filter((domain) => domain.uuid === uuid),
      [{ uuid, power: "off" }],
    );
    await hypervisor.undefine(uuid);
    assert.equal(await hypervisor.getDomain(uuid), undefined);
    assert.ok(!(await hypervisor.listDomains()).some((domain) => domain.uuid === uuid));
  });

  test(`${name}: define: refuses a name that is not sf:<uuid>`, { timeout }, async () => {
    const uuid = randomUUID();
    const xml = (await bench.makeDefinition(uuid)).replace("<name>sf:", "<name>x:");
    await assert.rejects(hypervisor.define(xml), /does not begin with sf:/);
    assert.equal(await hypervisor.getDomain(uuid), undefined);
  });

  test(`${name}: start and powerOff: change the power, tell of it, and twice is success`, {
    timeout,
  }, async () => {
    const uuid = await defineGuest();
    const on = nextPower(hypervisor, uuid, "on");
    await hypervisor.start(uuid);
    await on;
    assert.equal(await powerOf(uuid), "on");
    await hypervisor.start(uuid);
    const off = nextPower(hypervisor, uuid, "off");
    await hypervisor.powerOff(uuid);
    await off;
    assert.equal(await powerOf(uuid), "off");
    await hypervisor.powerOff(uuid);
    await hypervisor.undefine(uuid);
  });

  test(`${name}: pause and unpause: change the power, tell of it, and twice is success`, {
    timeout,
  }, async () => {
    const uuid = await startGuest();
    const paused = nextPower(hypervisor, uuid, "paused");
    await hypervisor.pause(uuid);
    await paused;
    await hypervisor.pause(uuid);
    assert.equal(await powerOf(uuid), "paused");
    await hypervisor.start(uuid);
    assert.equal(await powerOf(uuid), "paused", "a paused domain is started already");
    const on = nextPower(hypervisor, uuid, "on");
    await hypervisor.unpause(uuid);
    await on;
    await hypervisor.unpause(uuid);
    assert.equal(await powerOf(uuid), "on");
    await hypervisor.pause(uuid);
    await removeGuest(uuid);
  });

  test(`${name}: start paused: it stands still from the beginning; one that runs is left as it is`, {
    timeout,
  }, async () => {
    const uuid = await defineGuest();
    await hypervisor.start(uuid, { paused: true });
    assert.equal(await powerOf(uuid), "paused");
    await hypervisor.start(uuid, { paused: true });
    await hypervisor.unpause(uuid);
    await hypervisor.start(uuid, { paused: true });
    assert.equal(await powerOf(uuid), "on");
    await removeGuest(uuid);
    await assert.rejects(hypervisor.start(uuid, { paused: true }), (error) => isKind(error, "internal"));
  });

  test(`${name}: reboots: a running domain stays on, and its restart is told`, { timeout }, async () => {
    const uuid = await startGuest();
    const told = new Promise<void>((resolve) => {
      const stop = hypervisor.onReboot((domain) => {
        if (domain.uuid !== uuid) return;
        stop();
        resolve();
      });
    });
    await hypervisor.rebootHard(uuid);
    await told;
    await hypervisor.rebootSoft(uuid);
    assert.equal(await powerOf(uuid), "on");
    await removeGuest(uuid);
  });

  test(`${name}: pause, unpause and reboots: refuse a domain that is off, in libvirt's words`, {
    timeout,
  }, async () => {
    const uuid = await defineGuest();
    const { pause, unpause, rebootSoft, rebootHard } = hypervisor;
    for (const act of [pause, unpause, rebootSoft, rebootHard])
      await assert.rejects(
        act(uuid),
        (error) => isKind(error, "internal") && /domain is not running/.test(error.message),
      );
    await hypervisor.undefine(uuid);
  });

  test(`${name}: absent domain: powerOff and undefine succeed, the others say so`, { timeout }, async () => {
    const uuid = randomUUID();
    assert.equal(await hypervisor.getDomain(uuid), undefined);
    await hypervisor.powerOff(uuid);
    await hypervisor.undefine(uuid);
    const { start, pause, unpause, rebootSoft, rebootHard } = hypervisor;
    for (const act of [start, pause, unpause, rebootSoft, rebootHard])
      await assert.rejects(
        act(uuid),
        (error) => isKind(error, "internal") && /no domain|not found/i.test(error.message),
      );
  });

  test(`${name}: usage: sums up what runs, and nothing that is off`, { timeout }, async () => {
    const before = await hypervisor.usage();
    const [uuid, off] = [await startGuest(), await defineGuest()];
    const now = await hypervisor.usage();
    const more = (what: keyof typeof now) => now[what] - before[what];
    assert.deepEqual(
      ["domains", "vcpus", "memory_max_mib"].map((it) => more(it as "vcpus")),
      [1, 1, 64],
    );
    assert.ok(more("memory_mib") > 0 && more("cpu_time_ns") > 0);
    await removeGuest(uuid);
    await removeGuest(off);
    assert.equal((await hypervisor.usage()).domains, before.domains);
  });

  test(`${name}: a domain of another program: is not listed and never touched`, { timeout }, async () => {
    const uuid = randomUUID();
    await bench.addForeign(uuid);
    assert.ok(!(await hypervisor.listDomains()).some((domain) => domain.uuid === uuid));
    const { getDomain, start, powerOff, undefine, pause, unpause, rebootSoft, rebootHard } = hypervisor;
    for (const act of [getDomain, start, powerOff, undefine, pause, unpause, rebootSoft, rebootHard])
      await assert.rejects(
        act(uuid),
        (error) => isKind(error, "conflict") && /is not ours/.test(error.message),
      );
    const xml = await bench.makeDefinition(uuid);
    await assert.rejects(hypervisor.define(xml), (error) => isKind(error, "internal"));
  });

  test(`${name}: a guest that dies: is told and read as crashed until it is started or put off`, {
    timeout,
  }, async () => {
    const uuid = await startGuest();
    const crashed = nextPower(hypervisor, uuid, "crashed");
    await bench.crash(uuid);
    await crashed;
    assert.equal(await powerOf(uuid), "crashed");
    assert.ok(
      (await hypervisor.listDomains()).some((domain) => domain.uuid === uuid && domain.power === "crashed"),
    );
    const on = nextPower(hypervisor, uuid, "on");
    await hypervisor.start(uuid);
    await on;
    assert.equal(await powerOf(uuid), "on");
    await removeGuest(uuid);
  });

  test(`${name}: onPower and onReturn: a listener that was taken away hears nothing`, {
    timeout,
  }, async () => {
    let heard = 0;
    const stopPower = hypervisor.onPower(() => heard++);
    const stopReturn = hypervisor.onReturn(() => heard++);
    stopPower();
    stopReturn();
    const uuid = await defineGuest();
    const on = nextPower(hypervisor, uuid, "on");
    await hypervisor.start(uuid);
    await on;
    assert.equal(heard, 0);
    await removeGuest(uuid);
  });

  test(`${name}: libvirt away: every call says unavailable; back: tells so, and nothing was lost`, {
    timeout,
  }, async () => {
    const uuid = randomUUID();
    const xml = await bench.makeDefinition(uuid);
    await hypervisor.define(xml);
    await hypervisor.start(uuid);
    const returned = nextReturn(hypervisor);
    await bench.goAway();
    const { getDomain, start, powerOff, undefine, pause, unpause, rebootSoft, rebootHard } = hypervisor;
    const acts = [getDomain, start, powerOff, undefine, pause, unpause, rebootSoft, rebootHard];
    const calls = [...acts.map((act) => act(uuid)), hypervisor.listDomains(), hypervisor.define(xml)];
    for (const call of await Promise.allSettled(calls))
      assert.ok(call.status === "rejected" && isKind(call.reason, "unavailable"), JSON.stringify(call));
    await bench.comeBack();
    await returned;
    assert.equal(await powerOf(uuid), "on");
    // Not "off": libvirt 9.0 tells of no stop while it still takes up the guests it found.
    const paused = nextPower(hypervisor, uuid, "paused");
    await hypervisor.pause(uuid);
    await paused;
    await removeGuest(uuid);
  });
}
