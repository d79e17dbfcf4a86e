// Lets go of instances that have been deleted or failed for CLEANER_DELAY seconds: each node of its own, the network node of
// those whose node was removed.
import { rm } from "node:fs/promises";
import type { Cloud } from "../cloud.ts";
import { eventPrefix } from "../events/record.ts";
import { isOver } from "../networks/record.ts";
import { isNetworkNode } from "../nodes/network-node.ts";
import { nodeKey } from "../nodes/record.ts";
import { type Entry, remove } from "../ports/store/store.ts";
import { beginDeletion } from "./deletion.ts";
import { interfacesOf } from "./find.ts";
import { instanceDirectory } from "./paths.ts";
import { INSTANCES, type InstanceRecord } from "./record.ts";
import { forgetSnapshots } from "./snapshot-files.ts";

/** Each by itself: one that cannot be let go of does not keep the others. */
export async function forgetInstances(cloud: Cloud): Promise<void> {
  const limit = cloud.clock.now() - cloud.config.CLEANER_DELAY;
  const over = cloud.store.mirror
    .list<InstanceRecord>(INSTANCES)
    .filter(({ value }) => isOver(value.state) && isOurs(cloud, value.node))
    .filter(({ value }) => value.state_updated <= limit);
  for (const entry of over) {
    await forget(cloud, entry).catch((error: unknown) =>
      cloud.log.warn({ err: error, instance: entry.value.uuid }, "instance cannot be forgotten"),
    );
  }
}

const isOurs = (cloud: Cloud, node: string): boolean =>
  node === cloud.node.name || (isNetworkNode(cloud) && cloud.store.mirror.get(nodeKey(node)) === undefined);

/** One that failed and could not be taken back is deleted first, but not with disks that are kept for its owner. */
async function forget(cloud: Cloud, entry: Entry<InstanceRecord>): Promise<void> {
  const instance = entry.value;
  if (instance.leftovers && instance.disks_kept === true) return;
  if (instance.leftovers) return beginDeletion(cloud, instance.uuid);
  await forgetSnapshots(cloud, instance.uuid);
  await rm(instanceDirectory(cloud.config, instance.uuid), { recursive: true, force: true });
  await cloud.hypervisor.removeLogs(instance.uuid);
  // The record last: without it nobody would come back for what is left.
  await cloud.store.clear(eventPrefix("instance", instance.uuid));
  await cloud.store.commit([remove(entry), ...interfacesOf(cloud, instance).map(remove)]);
}
