// Guests of this node that should not be: those whose record is over, those that went when the node was removed, and those
// without a record. The first two are ended by the cleanup by itself. That a domain has no record is no reason by itself: a
// store may have been put back to an older day; that is for the operator to say.
import { rm } from "node:fs/promises";
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { type LostRecord, lostKey } from "../nodes/remove.ts";
import type { PowerState } from "../ports/hypervisor/hypervisor.ts";
import { remove } from "../ports/store/store.ts";
import { instanceDirectory } from "./paths.ts";
import { type InstanceRecord, instanceKey } from "./record.ts";
import { removeSnapshotFiles } from "./snapshot-files.ts";

export interface Stray {
  uuid: string;
  power: PowerState;
  why: "over" | "lost" | "unknown" | "elsewhere";
}

/** Each domain of ours on this node that is not an instance's of this node. */
export async function findStrays(cloud: Cloud): Promise<Stray[]> {
  const lost = await cloud.store.get<LostRecord>(lostKey(cloud.node.name));
  const listed = new Set(lost?.value.instances ?? []);
  const strays: Stray[] = [];
  for (const { uuid, power } of await cloud.hypervisor.listDomains()) {
    const why = reasonOf(cloud, await recordOf(cloud, uuid), listed.has(uuid));
    if (why !== undefined) strays.push({ uuid, power, why });
  }
  return strays;
}

function reasonOf(
  { node }: Cloud,
  record: InstanceRecord | undefined,
  isLost: boolean,
): Stray["why"] | undefined {
  if (record === undefined) return isLost ? "lost" : "unknown";
  if (isOver(record)) return "over";
  return record.node === node.name ? undefined : "elsewhere";
}

/** Ends those of which it is certain, and takes away what the removal of the node left here. */
export async function endStrays(cloud: Cloud): Promise<void> {
  const lost = await cloud.store.get<LostRecord>(lostKey(cloud.node.name));
  const strays = await findStrays(cloud);
  let left = 0;
  for (const stray of strays.filter(({ why }) => why === "over" || why === "lost")) {
    const done = await endStray(cloud, stray.uuid).then(
      () => true,
      (error: unknown) => cloud.log.warn({ err: error, instance: stray.uuid }, "stray guest cannot be ended"),
    );
    if (done !== true) left += 1;
  }
  if (lost === undefined || left > 0) return;
  for (const uuid of lost.value.instances) await removeFiles(cloud, uuid);
  await removeSnapshotFiles(cloud, lost.value.snapshots);
  await cloud.store.commit([remove(lost)]);
}

/** Cuts its power and takes the domain away. Rejects with "conflict" when it has become an instance's. */
export async function endStray(cloud: Cloud, uuid: string): Promise<void> {
  const record = await recordOf(cloud, uuid);
  if (record !== undefined && !isOver(record))
    throw new CloudError("conflict", `domain ${uuid}: belongs to an instance`);
  await cloud.hypervisor.powerOff(uuid);
  await cloud.hypervisor.undefine(uuid);
  cloud.log.warn({ instance: uuid }, "a stray guest was ended");
  if (record !== undefined)
    cloud.events.record("instance", uuid, { operation: "deleted stray", phase: null });
}

/** What its record does not say is not so: the store itself is asked. */
export async function recordOf({ store }: Cloud, uuid: string): Promise<InstanceRecord | undefined> {
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
