// Interfaces whose instance is gone: they keep their addresses, and their network cannot be deleted.
import type { Cloud } from "../../cloud.ts";
import { type InstanceRecord, instanceKey } from "../../instances/record.ts";
import { holdsAllocations } from "../../instances/release.ts";
import {
  addressKey,
  FLOATING,
  INTERFACES,
  type InterfaceRecord,
  interfaceKey,
  macKey,
} from "../../networks/record.ts";
import { discard, remove } from "../../ports/store/store.ts";
import { transact } from "../../ports/store/transact.ts";
import { check, type Found } from "../check.ts";
import { byHand } from "../keys.ts";

export const interfaces = check({
  name: "interfaces",
  summary: "Every interface has its instance",
  scope: "cloud",
  reads_store: true,
  routine: true,

  find: (cloud) =>
    cloud.store.mirror.list<InterfaceRecord>(INTERFACES).flatMap(({ key, value }): Found[] => {
      const problem = problemOf(cloud, value);
      if (problem === undefined) return [];
      const fix = () => takeAway(cloud, value.uuid);
      return [{ subject: `interface ${value.uuid}`, problem, mend: byHand(cloud, key), fix }];
    }),
});

function problemOf(cloud: Cloud, { uuid, instance_uuid, state }: InterfaceRecord): string | undefined {
  const instance = cloud.store.mirror.get<InstanceRecord>(instanceKey(instance_uuid))?.value;
  if (instance === undefined) return `there is no instance ${instance_uuid}`;
  if (!instance.interface_uuids.includes(uuid)) return `instance ${instance_uuid} has others`;
  return state === "deleted" || holdsAllocations(instance) ? undefined : `instance ${instance_uuid} is over`;
}

/** With what it holds, as far as that is its own. */
const takeAway = (cloud: Cloud, uuid: string): Promise<void> =>
  transact<void>(cloud.store, async () => {
    const { mirror } = cloud.store;
    const entry = mirror.get<InterfaceRecord>(interfaceKey(uuid));
    if (entry === undefined || problemOf(cloud, entry.value) === undefined) return [[], undefined];
    const { network_uuid, ipv4, macaddr, floating } = entry.value;
    const address = addressKey(network_uuid, ipv4);
    const outside = addressKey(FLOATING, floating ?? "");
    const mac = await cloud.store.get<{ interface: string }>(macKey(macaddr));
    const changes = [
      remove(entry),
      ...[address, outside]
        .filter((key) => mirror.get<{ owner: string }>(key)?.value.owner === uuid)
        .map(discard),
      ...(mac?.value.interface === uuid ? [remove(mac)] : []),
    ];
    return [changes, undefined];
  });
