// The files of snapshots, and what a snapshot that is under way leaves on its node if the process dies. Its directory bears
// another name until the record exists, and a mark while it keeps the guest from running.
import { mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Cloud } from "../cloud.ts";
import type { Config } from "../config.ts";
import { isKind, messageOf } from "../errors.ts";
import { instanceLockName } from "./find.ts";
import { observePower } from "./power.ts";
import { type InstanceRecord, instanceKey } from "./record.ts";
import { isRestoring } from "./restoring.ts";
import { listSnapshots, snapshotKey } from "./snapshot-record.ts";

const snapshotsDirectory = (config: Config): string => join(config.STORAGE_PATH, "snapshots");

/** Holds a file for each device, named by it. */
const snapshotDirectory = (config: Config, uuid: string): string => join(snapshotsDirectory(config), uuid);

/** A snapshot under way. */
export interface Work {
  instance: string;
  snapshot: string;
}

const WORK = /^work-(?<instance>[0-9a-f-]{36})-(?<snapshot>[0-9a-f-]{36})$/;

export const workDirectory = (config: Config, { instance, snapshot }: Work): string =>
  join(snapshotsDirectory(config), `work-${instance}-${snapshot}`);

const mark = (config: Config, work: Work): string => join(workDirectory(config, work), "guest-is-paused");

export async function beginWork(cloud: Cloud, work: Work): Promise<void> {
  await mkdir(workDirectory(cloud.config, work), { recursive: true, mode: 0o700 });
}

/** A running guest stands still meanwhile: its disks are then as after a loss of power, which file systems survive. */
export async function whileStill(cloud: Cloud, work: Work, copy: () => Promise<void>): Promise<void> {
  const domain = await cloud.hypervisor.getDomain(work.instance);
  if (domain?.power !== "on") return copy();
  await writeFile(mark(cloud.config, work), "");
  try {
    await cloud.hypervisor.pause(work.instance);
    await copy();
  } finally {
    await letGo(cloud, work);
  }
}

/** One that is being brought back stands still in a moment: until then the mark has to stay. */
const isWaiting = (cloud: Cloud, uuid: string): boolean => {
  const instance = cloud.store.mirror.get<InstanceRecord>(instanceKey(uuid))?.value;
  return instance !== undefined && isRestoring(cloud, instance);
};

async function letGo(cloud: Cloud, { instance, ...work }: Work): Promise<void> {
  const domain = await cloud.hypervisor.getDomain(instance);
  if (domain?.power === "paused") {
    await cloud.hypervisor.unpause(instance);
    await observePower(cloud, instance, "on");
  }
  await rm(mark(cloud.config, { instance, ...work }), { force: true });
}

/** Ends what is under way, under the instance's lock: kept if its record exists, else nothing is left of it. */
export async function settleWork(cloud: Cloud, work: Work): Promise<void> {
  const directory = workDirectory(cloud.config, work);
  if (await exists(mark(cloud.config, work))) await letGo(cloud, work);
  const record = await cloud.store.get(snapshotKey(work.instance, work.snapshot));
  if (record === undefined) return rm(directory, { recursive: true, force: true });
  await rename(directory, snapshotDirectory(cloud.config, work.snapshot));
  const parent = await open(snapshotsDirectory(cloud.config), "r");
  await parent.sync().finally(() => parent.close());
}

/** Settles what a dead process left; what somebody is still at holds its instance's lock. */
export async function settleLeftWork(cloud: Cloud): Promise<void> {
  for (const name of await namesIn(snapshotsDirectory(cloud.config))) {
    const { instance, snapshot } = WORK.exec(name)?.groups ?? {};
    if (instance === undefined || snapshot === undefined || isWaiting(cloud, instance)) continue;
    try {
      const options = { wait_ms: 1, operation: "settle a snapshot" };
      const lock = await cloud.store.lock(instanceLockName(instance), options);
      await settleWork(cloud, { instance, snapshot }).finally(() => lock.release());
    } catch (error) {
      if (!isKind(error, "unavailable"))
        cloud.log.warn({ snapshot, instance, reason: messageOf(error) }, "snapshot cannot be settled");
    }
  }
}

/** Takes away the files and records of all snapshots of an instance of this node. */
export async function forgetSnapshots(cloud: Cloud, instance: string): Promise<void> {
  const snapshots = listSnapshots(cloud, instance);
  await removeSnapshotFiles(
    cloud,
    snapshots.map(({ uuid }) => uuid),
  );
  if (snapshots.length > 0) await cloud.store.clear(`snapshot/${instance}/`);
}

export async function removeSnapshotFiles(cloud: Cloud, uuids: readonly string[]): Promise<void> {
  for (const uuid of uuids) await rm(snapshotDirectory(cloud.config, uuid), { recursive: true, force: true });
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
