// Soft reboots, which only the guest can do: noticing that it did, that it went off instead, or that it does nothing.
import type { Cloud } from "../cloud.ts";
import { CloudError, isKind, messageOf } from "../errors.ts";
import { replace } from "../ports/store/store.ts";
import { startDomain } from "./domain.ts";
import { instanceLockName } from "./find.ts";
import { carryNetworks } from "./networks.ts";
import { followPower, isRebooting } from "./power.ts";
import { INSTANCES, type InstanceRecord, instanceKey } from "./record.ts";
import { isRestoring } from "./restoring.ts";
import { updateInstance } from "./states.ts";

/** What a guest may take to go down before it is told of as one that ignores its power button. */
const PATIENCE_S = 120;
const IGNORED = `the guest has not restarted within ${PATIENCE_S} s: it may ignore its power button; reboot it hard`;
const LOCK_WAIT_MS = 20_000;

export const noteRebootAsked = (cloud: Cloud, uuid: string): Promise<void> =>
  updateInstance(cloud, uuid, (entry) => replace(entry, { ...entry.value, reboot_asked: cloud.clock.now() }));

/** Whatever was asked of the guest before is over. */
export const forgetReboot = (cloud: Cloud, uuid: string): Promise<void> =>
  updateInstance(cloud, uuid, (entry) => {
    const { reboot_asked, ...others } = entry.value;
    return reboot_asked === undefined ? undefined : replace(entry, others);
  });

/** A guest can restart as often as it likes: only one that was asked to costs more than a look. */
export async function noteRebooted(cloud: Cloud, uuid: string): Promise<void> {
  if (!isRebooting(cloud, uuid)) return;
  await forgetReboot(cloud, uuid);
  cloud.events.record("instance", uuid, { operation: "detected reboot", phase: "complete" });
}

/** Writes down the power of an instance, and brings up again what went off although it was to reboot. */
export async function settlePower(cloud: Cloud, uuid: string): Promise<void> {
  const power = await followPower(cloud, uuid);
  if (power === "off" && isRebooting(cloud, uuid)) await comeUpAgain(cloud, uuid);
}

/** Under the instance's lock: whoever has it may be about to start it, or to put it off. */
async function comeUpAgain(cloud: Cloud, uuid: string): Promise<void> {
  const lock = await cloud.store.lock(instanceLockName(uuid), {
    wait_ms: LOCK_WAIT_MS,
    operation: "come up again",
  });
  try {
    const instance = cloud.store.mirror.get<InstanceRecord>(instanceKey(uuid))?.value;
    const power = await followPower(cloud, uuid);
    if (instance === undefined || power !== "off" || !isRebooting(cloud, uuid)) return;
    if (!isRestoring(cloud, instance)) await start(cloud, instance);
  } finally {
    await lock.release();
  }
}

async function start(cloud: Cloud, instance: InstanceRecord): Promise<void> {
  const { uuid } = instance;
  const tell = (phase: string, message: string) =>
    cloud.events.record("instance", uuid, { operation: "reboot", phase, message });
  try {
    await carryNetworks(cloud, instance);
    await startDomain(cloud, instance);
    tell("started again", "the guest went off instead");
  } catch (error) {
    if (isKind(error, "unavailable")) throw error;
    tell("failed", error instanceof CloudError ? messageOf(error) : "internal error");
  }
  await forgetReboot(cloud, uuid);
  await followPower(cloud, uuid);
}

/**
 * Compares every created instance of this node with its domain. When the hypervisor cannot be asked, nothing is concluded
 * and this rejects.
 */
export async function reconcilePower(cloud: Cloud): Promise<void> {
  const domains = new Map((await cloud.hypervisor.listDomains()).map(({ uuid, power }) => [uuid, power]));
  for (const { value } of cloud.store.mirror.list<InstanceRecord>(INSTANCES)) {
    if (value.node !== cloud.node.name || value.state !== "created") continue;
    // The list is of a moment ago: what differs is looked at anew.
    if (value.power_state !== (domains.get(value.uuid) ?? "off")) await settlePower(cloud, value.uuid);
    await tellIgnored(cloud, value);
  }
}

async function tellIgnored(cloud: Cloud, { uuid, reboot_asked }: InstanceRecord): Promise<void> {
  if (
    reboot_asked === undefined ||
    cloud.clock.now() - reboot_asked < PATIENCE_S ||
    !isRebooting(cloud, uuid)
  )
    return;
  await forgetReboot(cloud, uuid);
  cloud.events.record("instance", uuid, { operation: "reboot", phase: "ignored", message: IGNORED });
}
