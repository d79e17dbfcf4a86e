// Lets go of networks that have been deleted for CLEANER_DELAY seconds. One in error keeps its record until it is deleted:
// it still holds its number.
import type { Cloud } from "../cloud.ts";
import { eventPrefix } from "../events/record.ts";
import { isNetworkNode } from "../nodes/network-node.ts";
import { remove } from "../ports/store/store.ts";
import { NETWORKS, type NetworkRecord } from "./record.ts";

export async function forgetNetworks(cloud: Cloud): Promise<void> {
  if (!isNetworkNode(cloud)) return;
  const limit = cloud.clock.now() - cloud.config.CLEANER_DELAY;
  for (const entry of cloud.store.mirror.list<NetworkRecord>(NETWORKS)) {
    const { uuid, state, state_updated } = entry.value;
    if (state !== "deleted" || state_updated > limit) continue;
    await cloud.store.commit([remove(entry)]);
    await cloud.store.clear(eventPrefix("network", uuid));
  }
}
