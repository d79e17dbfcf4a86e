// Floating addresses of interfaces. The record decides, in one transaction; the network node then follows it.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { create, discard, type Entry, replace } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import { convergeNetwork } from "./converge.ts";
import { requireWorkingNetwork } from "./find.ts";
import { pickFloating } from "./floating.ts";
import { type AddressRecord, addressKey, FLOATING, type InterfaceRecord, interfaceKey } from "./record.ts";

/**
 * On the network node. One that floats already keeps its address. Rejects with "not_found" for an interface that is
 * deleted, "conflict" for a network that does not work, "insufficient" when no address is free.
 */
export async function floatInterface(cloud: Cloud, uuid: string): Promise<void> {
  const { network_uuid, instance_uuid, made } = await transact<Floated>(cloud.store, () => {
    const entry = requireLiving(cloud, uuid);
    requireWorkingNetwork(cloud, entry.value.network_uuid);
    if (entry.value.floating !== null) return [[], { ...entry.value, made: null }];
    const address = pickFloating(cloud);
    const holds: AddressRecord = { use: "floating", owner: uuid };
    const changes = [
      replace(entry, { ...entry.value, floating: address }),
      create(addressKey(FLOATING, address), holds),
    ];
    return [changes, { ...entry.value, made: address }];
  });
  if (made !== null)
    cloud.events.record("instance", instance_uuid, { operation: "api", phase: "float", message: made });
  await convergeNetwork(cloud, network_uuid);
}

type Floated = Pick<InterfaceRecord, "network_uuid" | "instance_uuid"> & { made: string | null };

/** On the network node. Rejects with "not_found" for an interface that is deleted or does not float. */
export async function defloatInterface(cloud: Cloud, uuid: string): Promise<void> {
  const { network_uuid, instance_uuid, floating } = await transact<InterfaceRecord>(cloud.store, () => {
    const entry = requireLiving(cloud, uuid);
    const { floating } = entry.value;
    if (floating === null) throw new CloudError("not_found", "interface has no floating address: not found");
    const changes = [
      replace(entry, { ...entry.value, floating: null }),
      discard(addressKey(FLOATING, floating)),
    ];
    return [changes, entry.value];
  });
  cloud.events.record("instance", instance_uuid, { operation: "api", phase: "defloat", message: floating });
  await convergeNetwork(cloud, network_uuid);
}

function requireLiving(cloud: Cloud, uuid: string): Entry<InterfaceRecord> {
  const entry = cloud.store.mirror.get<InterfaceRecord>(interfaceKey(uuid));
  if (entry === undefined || entry.value.state === "deleted")
    throw new CloudError("not_found", "interface not found");
  return entry;
}
