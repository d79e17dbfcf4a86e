// The hypervisor as libvirt runs it: requests through a child process with the binding, what that lacks through virsh,
// power changes from libvirt's event stream.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../clock.ts";
import { CloudError, isKind } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Domain, Hypervisor, PowerListener, PowerState, Usage } from "./hypervisor.ts";
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
  const returnListeners = new Set<() => void>();
  /** Shut-off domains that crashed: libvirt tells why a domain stopped in its event, the binding never. */
  const crashed = new Set<string>();
  const events = openEventStream({ uri, clock, log, onPower, onReturn });

  function onPower(domain: Domain): void {
    if (domain.power === "crashed") crashed.add(domain.uuid);
    else crashed.delete(domain.uuid);
    for (const listener of powerListeners) tell(() => listener(domain));
  }

  function onReturn(): void {
    crashed.clear();
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

  function afterCrash(uuid: string, power: PowerState): PowerState {
    return power === "off" && crashed.has(uuid) ? "crashed" : power;
  }

  return {
    async listDomains() {
      const domains = (await ask("read", "listDomains")) as Domain[];
      return domains.map(({ uuid, power }) => ({ uuid, power: afterCrash(uuid, power) }));
    },
    usage: async () => (await ask("read", "usage")) as Usage,
    async getDomain(uuid) {
      requireUuid(uuid);
      const power = (await ask("read", "getPower", uuid)) as PowerState | null;
      return power === null ? undefined : { uuid, power: afterCrash(uuid, power) };
    },
    async define(xml) {
      if (!OUR_NAME.test(xml)) throw new CloudError("internal", "domain: its name does not begin with sf:");
      await ask("act", "define", xml);
    },
    start: (uuid) => act("start", uuid),
    async powerOff(uuid) {
      await act("powerOff", uuid);
      crashed.delete(uuid);
    },
    async undefine(uuid) {
      requireUuid(uuid);
      const gone = await ask("act", "undefine", uuid);
      if (gone === false) await watched(virsh(uri, [...UNDEFINE_WITH_STATE, uuid], act_ms));
      crashed.delete(uuid);
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
    onPower(listener) {
      powerListeners.add(listener);
      return () => powerListeners.delete(listener);
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

/** A domain is addressed by nothing else: virsh would take a number for an id and a dash for an option. */
function requireUuid(uuid: string): void {
  if (!UUID.test(uuid)) throw new CloudError("internal", `domain ${uuid}: not a UUID`);
}
