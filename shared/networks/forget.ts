// Lets go of networks that have been deleted for CLEANER_DELAY seconds, and deletes those that have been in error for as
// long: they still hold their number.
import type { Cloud } from "../cloud.ts";
import { isKind } from "../errors.ts";
import { eventPrefix } from "../events/record.ts";
import { isNetworkNode } from "../nodes/network-node.ts";
import { type Entry, remove } from "../ports/store/store.ts";
import { beginDeletion } from "./delete.ts";
import { isOver, NETWORKS, type NetworkRecord } from "./record.ts";

/** Each by itself: one that cannot be let go of does not keep the others. */
export async function forgetNetworks(cloud: Cloud): Promise<void> {
  if (!isNetworkNode(cloud)) return;
  const limit = cloud.clock.now() - cloud.config.CLEANER_DELAY;
  const over = cloud.store.mirror
    .list<NetworkRecord>(NETWORKS)
    .filter(({ value }) => isOver(value.state) && value.state_updated <= limit);
  for (const entry of over) {
    await forget(cloud, entry).catch((error: unknown) =>
      cloud.log.warn({ err: error, network: entry.value.uuid }, "network cannot be forgotten"),
    );
  }
}

async function forget(cloud: Cloud, entry: Entry<NetworkRecord>): Promise<void> {
  const { uuid, state } = entry.value;
  if (state === "error") return deleteUnlessUsed(cloud, uuid);
  // The record last: without it nobody would come back for what is left.
  await cloud.store.clear(eventPrefix("network", uuid));
  await cloud.store.commit([remove(entry)]);
}

async function deleteUnlessUsed(cloud: Cloud, uuid: string): Promise<void> {
  await beginDeletion(cloud, uuid).catch((error: unknown) => {
    if (!isKind(error, "forbidden")) throw error;
  });
}
