// Lets go of instances of this node that have been deleted or failed for CLEANER_DELAY seconds.
import { rm } from "node:fs/promises";
import type { Cloud } from "../cloud.ts";
import { eventPrefix } from "../events/record.ts";
import { isOver } from "../networks/record.ts";
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
    .filter(({ value }) => value.node === cloud.node.name && isOver(value.state))
    .filter(({ value }) => value.state_updated <= limit);
  for (const entry of over) {
    await forget(cloud, entry).catch((error: unknown) =>
      cloud.log.warn({ err: error, instance: entry.value.uuid }, "instance cannot be forgotten"),
    );
  }
}

/** One that failed and could not be taken back is deleted first. */
async function forget(cloud: Cloud, entry: Entry<InstanceRecord>): Promise<void> {
  const instance = entry.value;
  if (instance.leftovers) return beginDeletion(cloud, instance.uuid);
  await forgetSnapshots(cloud, instance.uuid);
  await rm(instanceDirectory(cloud.config, instance.uuid), { recursive: true, force: true });
  await cloud.hypervisor.removeLogs(instance.uuid);
  await cloud.store.commit([remove(entry), ...interfacesOf(cloud, instance).map(remove)]);
  await cloud.store.clear(eventPrefix("instance", instance.uuid));
}
