// The power of an instance as its record tells it, from what the hypervisor reports.
import type { Cloud } from "../cloud.ts";
import type { PowerState } from "../ports/hypervisor/hypervisor.ts";
import { type Change, type Entry, replace, whenDone } from "../ports/store/store.ts";
import { type InstanceRecord, instanceKey } from "./record.ts";
import { isRestoring } from "./restoring.ts";
import { inError, updateInstance } from "./states.ts";

const CRASHED = "the guest crashed; its disks are kept until it is deleted";

/** The fields that change with the power; none when it is as before. */
export function powerChange(
  cloud: Cloud,
  instance: InstanceRecord,
  power: PowerState,
): Partial<InstanceRecord> {
  if (instance.power_state === power) return {};
  return {
    power_state: power,
    power_state_previous: instance.power_state,
    power_state_updated: cloud.clock.now(),
  };
}

/**
 * Writes down the power that was observed of a created instance. A guest that went off by itself is told of; one that
 * crashed ends in error. What is observed first is written first. Nothing is written of one that is being brought back:
 * its record says how.
 */
export const observePower = (cloud: Cloud, uuid: string, power: PowerState): Promise<void> =>
  cloud.mutex.run(`power/${uuid}`, () => write(cloud, uuid, power));

/**
 * Asks the hypervisor and writes that down, in one go: what was true a moment ago, such as an event that came late, never
 * replaces what is true now. A domain that the hypervisor positively does not know is off; this rejects when it cannot be
 * asked. Answers what is; an "off" in the middle of a reboot is not written: it is not meant to last.
 */
export const followPower = (cloud: Cloud, uuid: string): Promise<PowerState> =>
  cloud.mutex.run(`power/${uuid}`, async () => {
    const power = (await cloud.hypervisor.getDomain(uuid))?.power ?? "off";
    if (power !== "off" || !isRebooting(cloud, uuid)) await write(cloud, uuid, power);
    return power;
  });

/** Its guest was asked to reboot, and has not done so. */
export function isRebooting(cloud: Cloud, uuid: string): boolean {
  const instance = cloud.store.mirror.get<InstanceRecord>(instanceKey(uuid))?.value;
  return instance?.state === "created" && !instance.doomed && instance.reboot_asked !== undefined;
}

const write = (cloud: Cloud, uuid: string, power: PowerState): Promise<void> =>
  updateInstance(cloud, uuid, (entry) => observed(cloud, entry, power));

function observed(cloud: Cloud, entry: Entry<InstanceRecord>, power: PowerState): Change | undefined {
  const instance = entry.value;
  if (instance.state !== "created" || instance.doomed || instance.power_state === power) return undefined;
  if (isRestoring(cloud, instance)) return undefined;
  const change = powerChange(cloud, instance, power);
  if (power === "crashed")
    return inError(cloud, entry, CRASHED, { ...change, leftovers: true, disks_kept: true });
  const seen = replace(entry, { ...instance, ...change });
  if (power !== "off") return seen;
  return whenDone(seen, () =>
    cloud.events.record("instance", instance.uuid, { operation: "detected poweroff", phase: "complete" }),
  );
}
