// The power of an instance as its record tells it, from what the hypervisor reports.
import type { Cloud } from "../cloud.ts";
import type { PowerState } from "../ports/hypervisor/hypervisor.ts";
import { replace } from "../ports/store/store.ts";
import { INSTANCES, type InstanceRecord } from "./record.ts";
import { inState, updateInstance } from "./states.ts";

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
 * crashed ends in error.
 */
export async function observePower(cloud: Cloud, uuid: string, power: PowerState): Promise<void> {
  await updateInstance(cloud, uuid, (entry) => {
    const instance = entry.value;
    if (instance.state !== "created" || instance.doomed || instance.power_state === power) return undefined;
    if (power === "off")
      cloud.events.record("instance", uuid, { operation: "detected poweroff", phase: "complete" });
    const change = powerChange(cloud, instance, power);
    if (power !== "crashed") return replace(entry, { ...instance, ...change });
    return inState(cloud, entry, "error", { ...change, error_message: "the guest crashed", leftovers: true });
  });
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
