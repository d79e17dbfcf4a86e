// Takes away snapshots: those that their owner deletes, and those of which a process that died left something. The record
// says that it is going, then the files go, then the record.
import type { Cloud } from "../cloud.ts";
import { CloudError, isKind, messageOf } from "../errors.ts";
import { type Entry, remove, replace } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import { type InstanceRecord, instanceKey } from "./record.ts";
import { removeSnapshotFiles } from "./snapshot-files.ts";
import {
  allSnapshots,
  type SnapshotRecord,
  snapshotKey,
  snapshotPrefix,
  stateOf,
} from "./snapshot-record.ts";

/** Held while one is made: what is unfinished without it, nobody goes on with. */
export const snapshotLockName = (instance: string): string => `snapshot/${instance}`;

/** Takes back all that is unfinished of an instance, under the lock of its snapshots. Safe to repeat. */
export async function settleSnapshots(cloud: Cloud, instance: string): Promise<void> {
  const unfinished = (await cloud.store.list<SnapshotRecord>(snapshotPrefix(instance))).filter(
    ({ value }) => stateOf(value) !== "created",
  );
  if (unfinished.length === 0) return;
  await cloud.hypervisor.endBackup(instance);
  for (const entry of unfinished) await takeAway(cloud, entry);
}

async function takeAway(cloud: Cloud, entry: Entry<SnapshotRecord>): Promise<void> {
  await removeSnapshotFiles(cloud, [entry.value.uuid]);
  const { instance_uuid, uuid } = entry.value;
  await transact<void>(cloud.store, async () => {
    const current = await cloud.store.get<SnapshotRecord>(snapshotKey(instance_uuid, uuid));
    return [current === undefined ? [] : [remove(current)], undefined];
  });
}

/** Settles what a dead process left on this node; what somebody is still at has its instance's lock. */
export async function settleAllSnapshots(cloud: Cloud): Promise<void> {
  const unfinished = allSnapshots(cloud).filter(
    ({ value }) => stateOf(value) !== "created" && isHere(cloud, value.instance_uuid),
  );
  for (const instance of new Set(unfinished.map(({ value }) => value.instance_uuid))) {
    await settleUnderLock(cloud, instance, 1).catch((error: unknown) => {
      if (!isKind(error, "unavailable"))
        cloud.log.warn({ instance, reason: messageOf(error) }, "snapshots cannot be settled");
    });
  }
}

const isHere = (cloud: Cloud, instance: string): boolean =>
  cloud.store.mirror.get<InstanceRecord>(instanceKey(instance))?.value.node === cloud.node.name;

async function settleUnderLock(cloud: Cloud, instance: string, wait_ms: number): Promise<void> {
  const options = { wait_ms, operation: "settle snapshots" };
  const lock = await cloud.store.lock(snapshotLockName(instance), options);
  await settleSnapshots(cloud, instance).finally(() => lock.release());
}

/**
 * On the instance's node. One that is under way is ended by whoever makes it, who sees the record change. Resolves when
 * nothing is left of it; rejects with "unavailable" when that takes long.
 */
export async function deleteSnapshot(cloud: Cloud, { value }: Entry<SnapshotRecord>): Promise<void> {
  const { instance_uuid: instance, uuid } = value;
  const key = snapshotKey(instance, uuid);
  const before = await transact<SnapshotRecord["state"]>(cloud.store, () => {
    const entry = cloud.store.mirror.get<SnapshotRecord>(key);
    if (entry === undefined) throw new CloudError("not_found", "snapshot not found");
    const state = stateOf(entry.value);
    if (state === "deleting") return [[], state];
    return [[replace(entry, { ...entry.value, state: "deleting" })], state];
  });
  if (before === "created") {
    const entry = cloud.store.mirror.get<SnapshotRecord>(key);
    if (entry !== undefined) await takeAway(cloud, entry);
  } else {
    await settleUnderLock(cloud, instance, cloud.config.API_ASYNC_WAIT * 1000);
  }
  if (before !== "deleting")
    cloud.events.record("instance", instance, { operation: "api", phase: "delete snapshot", message: uuid });
}
