// What goes with a node that is removed: its instances, and all that was promised on it.
import type { Cloud } from "../cloud.ts";
import { badPrefix, imagePrefix } from "../images/record.ts";
import { enqueue, type JobRecord, jobPrefix } from "../jobs.ts";
import { isNetworkNode, networkNode } from "../nodes/network-node.ts";
import { NODES, type NodeRecord } from "../nodes/record.ts";
import { beginRemoval, endRemoval, nodeLockName, noteLost } from "../nodes/remove.ts";
import { type Entry, remove } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import { INSTANCES, type InstanceRecord, instanceKey, portPrefix } from "./record.ts";
import { holdsAllocations, lost } from "./release.ts";
import { listSnapshots } from "./snapshot-record.ts";

const LOCK_WAIT_MS = 1000;

/**
 * Answers the uuids of the instances that are lost with it. Rejects as `beginRemoval`. Each instance ends in a transaction of
 * its own; dying half way, it is gone on with by asking again, and by the network node.
 */
export async function removeNode(cloud: Cloud, name: string): Promise<string[]> {
  await beginRemoval(cloud, name);
  const there = instancesOf(cloud, name);
  const { instances } = await noteLost(cloud, name, {
    instances: there.filter(({ value }) => holdsAllocations(value)).map(({ value }) => value.uuid),
    snapshots: there.flatMap(({ value }) => listSnapshots(cloud, value.uuid)).map(({ uuid }) => uuid),
  });
  for (const { value } of there) await lose(cloud, value.uuid, `node ${name} was removed`);
  await handOverNetworks(cloud, name);
  // Its carrier keys stay: nobody knows whether its links are gone, and a number that they bear is not given to another.
  // It takes them back itself when it returns.
  await endRemoval(cloud, name, [portPrefix(name), imagePrefix(name), badPrefix(name)]);
  return instances;
}

/** If it was the network node before, the one of now does what it had not done. */
async function handOverNetworks(cloud: Cloud, name: string): Promise<void> {
  for (const entry of cloud.store.mirror.list<JobRecord>(jobPrefix(name))) {
    const { kind, subject } = entry.value;
    if (subject.type !== "network") continue;
    await cloud.store.commit([remove(entry), enqueue(cloud, networkNode(cloud), kind, subject)]);
  }
}

const instancesOf = (cloud: Cloud, name: string): Entry<InstanceRecord>[] =>
  cloud.store.mirror.list<InstanceRecord>(INSTANCES).filter(({ value }) => value.node === name);

const lose = (cloud: Cloud, uuid: string, reason: string): Promise<void> =>
  transact<void>(cloud.store, () => {
    const entry = cloud.store.mirror.get<InstanceRecord>(instanceKey(uuid));
    return [entry === undefined ? [] : lost(cloud, entry, reason), undefined];
  });

/** On the network node: goes on with removals that were left half done. One that somebody is at has its lock. */
export async function endRemovals(cloud: Cloud): Promise<void> {
  if (!isNetworkNode(cloud)) return;
  const marked = cloud.store.mirror.list<NodeRecord>(NODES).filter(({ value }) => value.removing === true);
  for (const { value } of marked) {
    await endRemovalOf(cloud, value.name).catch((error: unknown) =>
      cloud.log.warn({ err: error, node: value.name }, "the removal of a node cannot be ended yet"),
    );
  }
}

async function endRemovalOf(cloud: Cloud, name: string): Promise<void> {
  const options = { wait_ms: LOCK_WAIT_MS, operation: `remove ${name}` };
  const lock = await cloud.store.lock(nodeLockName(name), options);
  await removeNode(cloud, name).finally(() => lock.release());
}
