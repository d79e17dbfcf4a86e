// Lets go of instances of this node that have been deleted or failed for CLEANER_DELAY seconds.
import { rm } from "node:fs/promises";
import type { Cloud } from "../cloud.ts";
import { eventPrefix } from "../events/record.ts";
import { isOver } from "../networks/record.ts";
import { remove } from "../ports/store/store.ts";
import { beginDeletion } from "./deletion.ts";
import { interfacesOf } from "./find.ts";
import { instanceDirectory } from "./paths.ts";
import { INSTANCES, type InstanceRecord } from "./record.ts";

/** One that failed and could not be taken back is deleted first. */
export async function forgetInstances(cloud: Cloud): Promise<void> {
  const limit = cloud.clock.now() - cloud.config.CLEANER_DELAY;
  for (const entry of cloud.store.mirror.list<InstanceRecord>(INSTANCES)) {
    const instance = entry.value;
    if (instance.node !== cloud.node.name || !isOver(instance.state) || instance.state_updated > limit)
      continue;
    if (instance.leftovers) {
      await beginDeletion(cloud, instance.uuid);
      continue;
    }
    await rm(instanceDirectory(cloud.config, instance.uuid), { recursive: true, force: true });
    await cloud.hypervisor.removeLogs(instance.uuid);
    await cloud.store.commit([remove(entry), ...interfacesOf(cloud, instance).map(remove)]);
    await cloud.store.clear(eventPrefix("instance", instance.uuid));
  }
}
