// A hypervisor in memory for tests: behaves as the port promises and tells power changes as libvirt does, and lets a
// test refuse, slow down, take away or crash what it runs.
import { readFileSync, writeFileSync } from "node:fs";
import { CloudError } from "../../errors.ts";
import type { Backup, Domain, Hypervisor, PowerListener, PowerState, RebootListener } from "./hypervisor.ts";

export interface FakeHypervisor extends Hypervisor {
  /** The next start is refused with these words. */
  refuseNextStart(words: string): void;
  /** Every call takes this long; 0 at first. */
  setDelay(delay_ms: number): void;
  /** Calls answer "unavailable" and power changes go untold until `comeBack`. */
  goAway(): void;
  comeBack(): void;
  /** The guest ends by itself: as a crash, or because it was shut down from within. */
  crash(uuid: string): void;
  shutDown(uuid: string): void;
  /** The guest starts anew by itself, as it does when it heeds its power button. */
  reboot(uuid: string): void;
  /** The host loses its power: all guests are off, and nobody is told. With `definitions` those are gone too. */
  losePower(definitions?: boolean): void;
  /** Backups stay under way at this percentage until they are let go on, or fail from now on for this reason. */
  holdBackups(percent: number): void;
  releaseBackups(): void;
  failBackups(reason: string): void;
  /** A running domain of another program. */
  addForeign(uuid: string): void;
  /** The definition as last given, or undefined. */
  definitionOf(uuid: string): string | undefined;
}

interface Guest {
  readonly name: string;
  readonly xml: string;
  power: PowerState;
}

const NOT_RUNNING = "Requested operation is not valid: domain is not running";

export function openFakeHypervisor(): FakeHypervisor {
  const guests = new Map<string, Guest>();
  const powerListeners = new Set<PowerListener>();
  const rebootListeners = new Set<RebootListener>();
  const returnListeners = new Set<() => void>();
  const backups = new Map<string, Backup>();
  let backupOutcome: Backup = { state: "done" };
  let refusal: string | undefined;
  let delay = 0;
  let away = false;

  async function reach(): Promise<void> {
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    if (away) throw new CloudError("unavailable", "libvirt: the fake is away");
  }

  async function findOurs(uuid: string): Promise<Guest | undefined> {
    await reach();
    const guest = guests.get(uuid);
    if (guest === undefined || isOurs(guest)) return guest;
    throw new CloudError("conflict", `libvirt: domain ${uuid} is not ours: its name is ${guest.name}`);
  }

  async function getOurs(uuid: string): Promise<Guest> {
    const guest = await findOurs(uuid);
    if (guest === undefined) throw refused(`Domain not found: no domain with matching uuid '${uuid}'`);
    return guest;
  }

  async function getRunning(uuid: string): Promise<Guest> {
    const guest = await getOurs(uuid);
    if (!isActive(guest)) throw refused(NOT_RUNNING);
    return guest;
  }

  function setPower(uuid: string, guest: Guest, power: PowerState): void {
    if (guest.power === power) return;
    guest.power = power;
    if (!isActive(guest) && backups.get(uuid)?.state === "running")
      backups.set(uuid, { state: "failed", reason: "cancelled" });
    if (!away && isOurs(guest)) for (const listener of powerListeners) listener({ uuid, power });
  }

  function endByItself(uuid: string, power: PowerState): void {
    const guest = guests.get(uuid);
    if (guest !== undefined && isActive(guest)) setPower(uuid, guest, power);
  }

  function restart(uuid: string): void {
    if (!away) for (const listener of rebootListeners) listener({ uuid });
  }

  return {
    async listDomains() {
      await reach();
      const ours = [...guests].filter(([, guest]) => isOurs(guest));
      return ours.map(([uuid, { power }]): Domain => ({ uuid, power }));
    },
    async usage() {
      await reach();
      const running = [...guests.values()].filter(isActive);
      const total = (element: string) => running.reduce((sum, { xml }) => sum + numberOf(element, xml), 0);
      const memory = total("memory") / 1024;
      return {
        ...{ domains: running.length, vcpus: total("vcpu"), cpu_time_ns: running.length },
        ...{ memory_max_mib: memory, memory_mib: memory },
      };
    },
    async getDomain(uuid) {
      const guest = await findOurs(uuid);
      return guest && { uuid, power: guest.power };
    },
    async define(xml) {
      await reach();
      const name = textOf("name", xml);
      const uuid = textOf("uuid", xml);
      if (!name.startsWith("sf:"))
        throw new CloudError("internal", "domain: its name does not begin with sf:");
      const known = guests.get(uuid);
      if (known !== undefined && known.name !== name)
        throw refused(`operation failed: domain '${known.name}' is already defined with uuid ${uuid}`);
      guests.set(uuid, { name, xml, power: known?.power ?? "off" });
    },
    async start(uuid, { paused = false } = {}) {
      const guest = await getOurs(uuid);
      if (isActive(guest)) return;
      const words = refusal;
      refusal = undefined;
      if (words !== undefined) throw refused(words);
      setPower(uuid, guest, paused ? "paused" : "on");
    },
    async powerOff(uuid) {
      const guest = await findOurs(uuid);
      if (guest === undefined) return;
      if (isActive(guest)) setPower(uuid, guest, "off");
      else guest.power = "off";
    },
    async removeLogs() {},
    async undefine(uuid) {
      if ((await findOurs(uuid)) !== undefined) guests.delete(uuid);
    },
    async pause(uuid) {
      setPower(uuid, await getRunning(uuid), "paused");
    },
    async unpause(uuid) {
      setPower(uuid, await getRunning(uuid), "on");
    },
    async rebootSoft(uuid) {
      await getRunning(uuid);
    },
    async rebootHard(uuid) {
      await getRunning(uuid);
      restart(uuid);
    },
    async beginBackup(uuid, xmlFile) {
      await getRunning(uuid);
      if (backups.get(uuid)?.state === "running") throw refused("another job is active");
      for (const [, file = ""] of readFileSync(xmlFile, "utf8").matchAll(/<target file='([^']+)'/g))
        writeFileSync(file, "disk of a running guest", { flag: "wx" });
      backups.set(uuid, backupOutcome);
    },
    async getBackup(uuid) {
      await reach();
      const backup = backups.get(uuid) ?? { state: "none" };
      if (backup.state !== "running") backups.delete(uuid);
      return backup;
    },
    async endBackup(uuid) {
      await reach();
      backups.delete(uuid);
    },
    onPower(listener) {
      powerListeners.add(listener);
      return () => powerListeners.delete(listener);
    },
    onReboot(listener) {
      rebootListeners.add(listener);
      return () => rebootListeners.delete(listener);
    },
    onReturn(listener) {
      returnListeners.add(listener);
      return () => returnListeners.delete(listener);
    },
    async close() {
      away = true;
    },

    refuseNextStart(words) {
      refusal = words;
    },
    setDelay(delay_ms) {
      delay = delay_ms;
    },
    goAway() {
      away = true;
    },
    comeBack() {
      if (!away) return;
      away = false;
      for (const listener of returnListeners) listener();
    },
    crash: (uuid) => endByItself(uuid, "crashed"),
    shutDown: (uuid) => endByItself(uuid, "off"),
    reboot: restart,
    losePower(definitions = false) {
      for (const [uuid, guest] of guests) {
        guest.power = "off";
        if (definitions) guests.delete(uuid);
      }
    },
    holdBackups(percent) {
      backupOutcome = { state: "running", percent };
    },
    releaseBackups() {
      backupOutcome = { state: "done" };
      for (const uuid of backups.keys()) backups.set(uuid, backupOutcome);
    },
    failBackups(reason) {
      backupOutcome = { state: "failed", reason };
    },
    addForeign(uuid) {
      guests.set(uuid, { name: `other-${uuid}`, xml: "", power: "on" });
    },
    definitionOf: (uuid) => guests.get(uuid)?.xml,
  };
}

function isOurs(guest: Guest): boolean {
  return guest.name.startsWith("sf:");
}

function isActive(guest: Guest): boolean {
  return guest.power === "on" || guest.power === "paused";
}

function refused(words: string): CloudError {
  return new CloudError("internal", `libvirt: ${words}`);
}

function numberOf(element: string, xml: string): number {
  return Number(new RegExp(`<${element}[^>]*>(\\d+)<`).exec(xml)?.[1] ?? 0);
}

function textOf(element: string, xml: string): string {
  return new RegExp(`<${element}>\\s*([^<\\s]+)\\s*</${element}>`).exec(xml)?.[1] ?? "";
}
