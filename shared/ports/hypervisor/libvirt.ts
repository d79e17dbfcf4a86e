// The hypervisor as libvirt runs it: requests through a child process with the binding, what that lacks through virsh,
// power changes from libvirt's event stream.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../clock.ts";
import { CloudError, isKind } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Domain, Hypervisor, PowerListener, PowerState, RebootListener, Usage } from "./hypervisor.ts";
import { beginBackup, endBackup, getBackup } from "./libvirt-backup.ts";
import { type Lane, openCalls } from "./libvirt-calls.ts";
import { openEventStream } from "./libvirt-events.ts";
import { virsh } from "./virsh.ts";

export interface LibvirtOptions {
  uri: string;
  clock: Clock;
  log: Log;
  /** Deadline of a read; default 5 000. */
  read_ms?: number;
  /** Deadline of anything that changes a domain; default 60 000. */
  act_ms?: number;
}

type Ending = "off" | "crashed";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const UNDEFINE_WITH_STATE = [
  "undefine",
  "--managed-save",
  "--nvram",
  "--snapshots-metadata",
  "--checkpoints-metadata",
];
/** Where libvirt keeps what each QEMU says, for good. */
const QEMU_LOGS = "/var/log/libvirt/qemu";
/** One call for all of them; a domain that goes meanwhile fails nothing. */
const SHUT_OFF_DOMAINS = ["domstats", "--raw", "--state", "--list-shutoff"];
const CRASHED = "3";
const OUR_NAME = /<name>\s*sf:/;

export function openLibvirt({
  uri,
  clock,
  log,
  read_ms = 5_000,
  act_ms = 60_000,
}: LibvirtOptions): Hypervisor {
  const calls = openCalls(uri);
  const powerListeners = new Set<PowerListener>();
  const rebootListeners = new Set<RebootListener>();
  const returnListeners = new Set<() => void>();
  /** How domains that are shut off came to be so: the binding never tells, libvirt's event does, and virsh when asked. */
  const endings = new Map<string, Ending>();
  const events = openEventStream({ uri, clock, log, onPower, onReboot, onReturn });

  function onPower(domain: Domain): void {
    noteEnding(domain);
    for (const listener of powerListeners) tell(() => listener(domain));
  }

  function noteEnding({ uuid, power }: Domain): void {
    if (power === "off" || power === "crashed") endings.set(uuid, power);
    else endings.delete(uuid);
  }

  function onReboot(uuid: string): void {
    for (const listener of rebootListeners) tell(() => listener({ uuid }));
  }

  function onReturn(): void {
    endings.clear();
    for (const listener of returnListeners) tell(listener);
  }

  function tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      log.error({ err: error }, "hypervisor: a listener failed");
    }
  }

  /** Whoever is told "unavailable" is also told when that is over. */
  async function watched<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (error) {
      if (isKind(error, "unavailable")) events.suspect();
      throw error;
    }
  }

  function ask(lane: Lane, method: string, argument = ""): Promise<unknown> {
    return watched(calls.call(lane, method, argument, lane === "read" ? read_ms : act_ms));
  }

  async function act(method: string, uuid: string): Promise<void> {
    requireUuid(uuid);
    await ask("act", method, uuid);
  }

  async function actByVirsh(uuid: string, ...command: string[]): Promise<void> {
    requireUuid(uuid);
    const power = await ask("read", "getPower", uuid);
    if (power === null)
      throw new CloudError("internal", `libvirt: Domain not found: no domain with matching uuid '${uuid}'`);
    await watched(virsh(uri, [...command, uuid], act_ms));
  }

  function askVirsh(args: readonly string[]): Promise<string> {
    return watched(virsh(uri, args, act_ms));
  }

  /** With "crashed" for what is off because it crashed, also while nobody listened. */
  async function withEndings(domains: Domain[]): Promise<Domain[]> {
    const unclear = domains.filter(({ uuid, power }) => power === "off" && !endings.has(uuid));
    if (unclear.length > 0) {
      const told = parseEndings(await watched(virsh(uri, SHUT_OFF_DOMAINS, read_ms)));
      for (const { uuid } of unclear) if (!endings.has(uuid)) endings.set(uuid, told.get(uuid) ?? "off");
    }
    return domains.map((domain) => ({
      ...domain,
      power: domain.power === "off" ? (endings.get(domain.uuid) ?? "off") : domain.power,
    }));
  }

  /** Forgets the endings of domains that run again or are gone. */
  function forgetEndings(domains: readonly Domain[]): void {
    const off = new Set(domains.filter(({ power }) => power === "off").map(({ uuid }) => uuid));
    for (const uuid of endings.keys()) if (!off.has(uuid)) endings.delete(uuid);
  }

  return {
    async listDomains() {
      const domains = (await ask("read", "listDomains")) as Domain[];
      forgetEndings(domains);
      return withEndings(domains);
    },
    usage: async () => (await ask("read", "usage")) as Usage,
    async getDomain(uuid) {
      requireUuid(uuid);
      const power = (await ask("read", "getPower", uuid)) as PowerState | null;
      if (power === null) return undefined;
      if (power !== "off") endings.delete(uuid);
      return (await withEndings([{ uuid, power }]))[0];
    },
    async define(xml) {
      if (!OUR_NAME.test(xml)) throw new CloudError("internal", "domain: its name does not begin with sf:");
      await ask("act", "define", xml);
    },
    async start(uuid, { paused = false } = {}) {
      if (!paused) return act("start", uuid);
      await actByVirsh(uuid, "start", "--paused").catch(async (error: unknown) => {
        const power = isKind(error, "internal") ? await ask("read", "getPower", uuid) : null;
        if (power !== "on" && power !== "paused") throw error;
      });
    },
    async powerOff(uuid) {
      await act("powerOff", uuid);
      endings.set(uuid, "off");
    },
    async undefine(uuid) {
      requireUuid(uuid);
      const gone = await ask("act", "undefine", uuid);
      if (gone === false) await watched(virsh(uri, [...UNDEFINE_WITH_STATE, uuid], act_ms));
      endings.delete(uuid);
    },
    async removeLogs(uuid) {
      requireUuid(uuid);
      const names = await readdir(QEMU_LOGS).catch(() => []);
      const mine = names.filter((name) => name.startsWith(`sf:${uuid}.log`));
      await Promise.all(mine.map((name) => rm(join(QEMU_LOGS, name), { force: true })));
    },
    pause: (uuid) => act("pause", uuid),
    unpause: (uuid) => act("unpause", uuid),
    rebootSoft: (uuid) => actByVirsh(uuid, "reboot", "--mode", "acpi"),
    rebootHard: (uuid) => actByVirsh(uuid, "reset"),
    async beginBackup(uuid, xmlFile) {
      requireUuid(uuid);
      await beginBackup(askVirsh, uuid, xmlFile);
    },
    async getBackup(uuid) {
      requireUuid(uuid);
      return getBackup(askVirsh, uuid);
    },
    async endBackup(uuid) {
      requireUuid(uuid);
      await endBackup(askVirsh, uuid);
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
      await Promise.all([events.close(), calls.close()]);
    },
  };
}

/** Of `virsh domstats`: shut off because it crashed, or because its process was gone when libvirtd came back (libvirt 9.0). */
function parseEndings(text: string): Map<string, Ending> {
  const told = text.matchAll(/^Domain: 'sf:([0-9a-f-]{36})'\n(?: +.*\n)*? +state\.reason=(\d+)$/gm);
  return new Map([...told].map(([, uuid, reason]) => [uuid ?? "", reason === CRASHED ? "crashed" : "off"]));
}

/** A domain is addressed by nothing else: virsh would take a number for an id and a dash for an option. */
function requireUuid(uuid: string): void {
  if (!UUID.test(uuid)) throw new CloudError("internal", `domain ${uuid}: not a UUID`);
}
