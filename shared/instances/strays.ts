// Ends guests of this node that should not be: those whose record is over, and those that went when the node was removed. That
// a domain has no record is no reason by itself: only what is noted as lost is known to be ours to end.
import { rm } from "node:fs/promises";
import type { Cloud } from "../cloud.ts";
import { type LostRecord, lostKey } from "../nodes/remove.ts";
import { remove } from "../ports/store/store.ts";
import { instanceDirectory } from "./paths.ts";
import { type InstanceRecord, instanceKey } from "./record.ts";
import { removeSnapshotFiles } from "./snapshot-files.ts";

export async function endStrays(cloud: Cloud): Promise<void> {
  const lost = await cloud.store.get<LostRecord>(lostKey(cloud.node.name));
  const listed = new Set(lost?.value.instances ?? []);
  let left = 0;
  for (const { uuid } of await cloud.hypervisor.listDomains()) {
    const done = await endStray(cloud, uuid, listed.has(uuid)).catch((error: unknown) => {
      cloud.log.warn({ err: error, instance: uuid }, "stray guest cannot be ended");
      return false;
    });
    if (!done) left += 1;
  }
  if (lost === undefined || left > 0) return;
  for (const uuid of listed) await removeFiles(cloud, uuid);
  await removeSnapshotFiles(cloud, lost.value.snapshots);
  await cloud.store.commit([remove(lost)]);
}

async function endStray(cloud: Cloud, uuid: string, isLost: boolean): Promise<boolean> {
  const record = await recordOf(cloud, uuid);
  if (record === undefined ? !isLost : !isOver(record)) return true;
  await cloud.hypervisor.powerOff(uuid);
  await cloud.hypervisor.undefine(uuid);
  cloud.log.warn({ instance: uuid }, "a stray guest was ended");
  if (record !== undefined)
    cloud.events.record("instance", uuid, { operation: "deleted stray", phase: null });
  return true;
}

/** What its record does not say is not so: the store itself is asked. */
async function recordOf({ store }: Cloud, uuid: string): Promise<InstanceRecord | undefined> {
  const known = store.mirror.get<InstanceRecord>(instanceKey(uuid));
  return (known ?? (await store.get<InstanceRecord>(instanceKey(uuid))))?.value;
}

/** Nothing is left of it that somebody would still take back. */
const isOver = ({ state, leftovers }: InstanceRecord): boolean =>
  state === "deleted" || (state === "error" && !leftovers);

/** Of one with a record they go when that does. */
async function removeFiles(cloud: Cloud, uuid: string): Promise<void> {
  if ((await recordOf(cloud, uuid)) !== undefined) return;
  await rm(instanceDirectory(cloud.config, uuid), { recursive: true, force: true });
  await cloud.hypervisor.removeLogs(uuid);
}
