// Takes a snapshot of an instance's disks, and takes back what did not become one. The record is there before the first
// file and goes after the last, so nothing can be left that nobody knows of.
import type { Cloud } from "../cloud.ts";
import { CloudError, messageOf } from "../errors.ts";
import { explainFull } from "../images/disks.ts";
import { check, create, type Entry, type Lock, replace } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import { type BlockDevice, type InstanceRecord, instanceKey } from "./record.ts";
import { requireRestored } from "./restoring.ts";
import { copyDisks } from "./snapshot-copy.ts";
import { finishFiles, makeSnapshotDirectory, requireRoom } from "./snapshot-files.ts";
import { listSnapshots, type SnapshotRecord, snapshotKey } from "./snapshot-record.ts";
import { settleSnapshots, snapshotLockName } from "./snapshot-settle.ts";
import { requireCreated, type Work, whileWanted } from "./snapshot-work.ts";

const MOST = 100;
const LOCK_WAIT_MS = 20_000;

export interface Taken {
  readonly uuid: string;
  /** Resolves when its files are there; nothing is left when it rejects. */
  readonly done: Promise<void>;
}

/**
 * Of the first disk or of all, CD-ROMs aside, on the instance's node: one qcow2 a disk, without a backing file. Rejects with
 * "conflict" for an instance that is not created or has no disk, "insufficient" when there is no room. One at a time for an
 * instance.
 */
export async function takeSnapshot(cloud: Cloud, instance: string, all: boolean): Promise<Taken> {
  const { value: asked } = instanceOf(cloud, instance);
  devicesOf(asked, all);
  requireRestored(cloud, asked);
  const options = { wait_ms: LOCK_WAIT_MS, operation: "snapshot" };
  const lock = await cloud.store.lock(snapshotLockName(instance), options);
  try {
    await settleSnapshots(cloud, instance);
    const devices = devicesOf(instanceOf(cloud, instance).value, all);
    const snapshot = await note(cloud, instance, devices);
    const done = make(cloud, snapshot, devices, lock).finally(() => lock.release());
    const phase = `snapshot (all=${all ? "True" : "False"})`;
    cloud.events.record("instance", instance, { operation: "api", phase, message: snapshot.uuid });
    return { uuid: snapshot.uuid, done };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function instanceOf({ store }: Cloud, uuid: string): Entry<InstanceRecord> {
  const entry = store.mirror.get<InstanceRecord>(instanceKey(uuid));
  requireCreated(entry?.value);
  return entry as Entry<InstanceRecord>;
}

function devicesOf({ uuid, block_devices }: InstanceRecord, all: boolean): BlockDevice[] {
  const disks = block_devices?.devices ?? [];
  const wanted = (all ? disks : disks.slice(0, 1)).filter(({ snapshot_ignores }) => !snapshot_ignores);
  if (wanted.length === 0) throw new CloudError("conflict", `instance ${uuid}: has no disk to snapshot`);
  return wanted;
}

async function note(
  cloud: Cloud,
  instance: string,
  devices: readonly BlockDevice[],
): Promise<SnapshotRecord> {
  const snapshot: SnapshotRecord = {
    uuid: crypto.randomUUID(),
    instance_uuid: instance,
    devices: devices.map(({ device }) => device),
    ...{ created: cloud.clock.now(), state: "creating", progress: 0 },
  };
  await transact<void>(cloud.store, () => {
    const wanted = instanceOf(cloud, instance);
    if (listSnapshots(cloud, instance).length >= MOST)
      throw new CloudError("insufficient", `instance ${instance}: has ${MOST} snapshots, which is the most`);
    return [[check(wanted), create(snapshotKey(instance, snapshot.uuid), snapshot)], undefined];
  });
  return snapshot;
}

async function make(
  cloud: Cloud,
  snapshot: SnapshotRecord,
  devices: readonly BlockDevice[],
  lock: Lock,
): Promise<void> {
  const { uuid, instance_uuid: instance } = snapshot;
  try {
    await whileWanted(cloud, { instance, uuid }, lock.lost, (work) =>
      // One at a time on a node: each is as much as its disk can do.
      cloud.mutex.run("snapshots", () => copy(cloud, work, devices, lock)),
    );
  } catch (error) {
    const known = explain(instance, error);
    tell(cloud, instance, { operation: "snapshot", phase: "failed", message: `${uuid}: ${known.message}` });
    if (known.kind === "internal")
      cloud.log.warn({ err: error, instance, snapshot: uuid }, "snapshot failed");
    // Without the lock another may be under way by now: the schedule sees to what is left.
    if (!lock.lost.aborted) await settle(cloud, instance, uuid);
    throw known;
  }
}

const settle = (cloud: Cloud, instance: string, snapshot: string): Promise<void> =>
  settleSnapshots(cloud, instance).catch((reason: unknown) =>
    cloud.log.warn({ instance, snapshot, reason: messageOf(reason) }, "snapshot cannot be settled yet"),
  );

const tell = (cloud: Cloud, instance: string, event: Parameters<Cloud["events"]["record"]>[2]): void =>
  cloud.events.record("instance", instance, event);

async function copy(cloud: Cloud, work: Work, devices: readonly BlockDevice[], lock: Lock): Promise<void> {
  const { instance, snapshot: uuid, signal } = work;
  signal.throwIfAborted();
  const started = cloud.clock.now();
  await makeSnapshotDirectory(cloud, uuid);
  await requireRoom(cloud, devices);
  for (const { device } of devices)
    tell(cloud, instance, { operation: `snapshot ${device}`, phase: "start", message: uuid });
  await copyDisks(cloud, work, devices);
  const names = devices.map(({ device }) => device);
  const sizes = await finishFiles(cloud, uuid, names);
  signal.throwIfAborted();
  await keep(cloud, work, sizes, lock);
  const duration = cloud.clock.now() - started;
  for (const device of names)
    tell(cloud, instance, { operation: `snapshot ${device}`, phase: "finish", duration, message: uuid });
}

/** From here on it exists, unless it or the instance went meanwhile. */
const keep = (cloud: Cloud, work: Work, sizes: Record<string, number>, { held }: Lock): Promise<void> =>
  transact<void>(cloud.store, () => {
    const instance = instanceOf(cloud, work.instance);
    const entry = cloud.store.mirror.get<SnapshotRecord>(snapshotKey(work.instance, work.snapshot));
    if (entry?.value.state !== "creating") throw new CloudError("conflict", "it was deleted meanwhile");
    const { progress: _, ...record } = entry.value;
    return [[held, check(instance), replace(entry, { ...record, state: "created", sizes })], undefined];
  });

/** What the programs said is of no use to a tenant: it names files of the node. */
function explain(instance: string, error: unknown): CloudError {
  const known = explainFull("", error);
  const subject = `instance ${instance}: snapshot`;
  if (!(known instanceof CloudError) || known.kind === "internal")
    return new CloudError("internal", `instance ${instance}: the snapshot failed`, { cause: error });
  if (known.kind === "not_found" || known.message.startsWith("instance ")) return known;
  return new CloudError(known.kind, `${subject}: ${known.message.replace(/^: /, "")}`, { cause: error });
}
