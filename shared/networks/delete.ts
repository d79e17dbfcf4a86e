// Begins the deletion of a network, and ends it once the network node has removed everything.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { enqueueOnce } from "../jobs.ts";
import { networkNode } from "../nodes/network-node.ts";
import { type Change, check, discard, type Entry, replace } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import { interfacesOn } from "./find.ts";
import {
  addressKey,
  carrierKey,
  FLOATING,
  type NetworkRecord,
  networkKey,
  usersKey,
  vxidKey,
} from "./record.ts";

/**
 * From here on no instance can join it. Rejects with "forbidden" while interfaces are on it, "not_found" when it is
 * deleted; asking again while it is being deleted is fine.
 */
export async function beginDeletion(cloud: Cloud, uuid: string): Promise<void> {
  await transact(cloud.store, () => {
    const { mirror } = cloud.store;
    const users = mirror.get(usersKey(uuid));
    const entry = mirror.get<NetworkRecord>(networkKey(uuid));
    if (uuid === FLOATING) throw new CloudError("forbidden", "you cannot delete the floating network");
    if (interfacesOn(cloud, uuid).length > 0)
      throw new CloudError("forbidden", "you cannot delete an in use network");
    if (entry === undefined || entry.value.state === "deleted")
      throw new CloudError("not_found", "network not found");
    if (entry.value.state === "deleting") return [[], undefined];
    const unused: Change = users === undefined ? { key: usersKey(uuid), expect: 0 } : check(users);
    const job = enqueueOnce(cloud, networkNode(cloud), "networks/delete", { type: "network", uuid });
    return [[unused, replace(entry, inState(cloud, entry.value, "deleting")), job], undefined];
  });
  cloud.events.record("network", uuid, { operation: "api", phase: "delete" });
}

export const inState = (
  cloud: Cloud,
  network: NetworkRecord,
  state: NetworkRecord["state"],
): NetworkRecord => ({
  ...network,
  state,
  state_updated: cloud.clock.now(),
});

/** Gives back what was allocated; the record stays readable. */
export function endDeletion(cloud: Cloud, entry: Entry<NetworkRecord>): Change[] {
  const { uuid, vxid, floating_gateway } = entry.value;
  return [
    replace(entry, { ...inState(cloud, entry.value, "deleted"), floating_gateway: null }),
    discard(vxidKey(vxid)),
    discard(usersKey(uuid)),
    discard(carrierKey(cloud.node.name, uuid)),
    ...(floating_gateway === null ? [] : [discard(addressKey(FLOATING, floating_gateway))]),
  ];
}

/** Marks that somebody begins to use the network, in the transaction that does so. */
export const noteUser = (network: Entry<NetworkRecord>): Change[] => [
  check(network),
  { key: usersKey(network.value.uuid), write: { put: {} } },
];
