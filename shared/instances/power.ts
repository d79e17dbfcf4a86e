// The power of an instance as its record tells it, from what the hypervisor reports.
import type { Cloud } from "../cloud.ts";
import type { PowerState } from "../ports/hypervisor/hypervisor.ts";
import { type Change, type Entry, replace } from "../ports/store/store.ts";
import { INSTANCES, type InstanceRecord } from "./record.ts";
import { isRestoring } from "./restoring.ts";
import { inState, updateInstance } from "./states.ts";

const CRASHED = "the guest crashed";

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
  cloud.mutex.run(`power/${uuid}`, () =>
    updateInstance(cloud, uuid, (entry) => observed(cloud, entry, power)),
  );

function observed(cloud: Cloud, entry: Entry<InstanceRecord>, power: PowerState): Change | undefined {
  const instance = entry.value;
  if (instance.state !== "created" || instance.doomed || instance.power_state === power) return undefined;
  if (isRestoring(cloud, instance)) return undefined;
  const tell = (operation: string, phase: string) =>
    cloud.events.record("instance", instance.uuid, { operation, phase });
  const change = powerChange(cloud, instance, power);
  if (power === "off") tell("detected poweroff", "complete");
  if (power !== "crashed") return replace(entry, { ...instance, ...change });
  tell("error message", CRASHED);
  return inState(cloud, entry, "error", { ...change, error_message: CRASHED, leftovers: true });
}

/**
 * Compares every created instance of this node with its domain. A domain that libvirt positively does not know is off;
 * when libvirt cannot be asked, nothing is concluded and this rejects.
 */
export async function reconcilePower(cloud: Cloud): Promise<void> {
  const domains = new Map((await cloud.hypervisor.listDomains()).map(({ uuid, power }) => [uuid, power]));
  const mine = cloud.store.mirror
    .list<InstanceRecord>(INSTANCES)
    .filter(({ value }) => value.node === cloud.node.name && value.state === "created");
  for (const { value } of mine) await observePower(cloud, value.uuid, domains.get(value.uuid) ?? "off");
}
