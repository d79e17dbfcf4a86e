// The files of snapshots: a directory each, a file for each device, whole once the record says "created".
import { mkdir, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Cloud } from "../cloud.ts";
import type { Config } from "../config.ts";
import { CloudError } from "../errors.ts";
import { placeFile } from "../images/place.ts";
import type { BlockDevice } from "./record.ts";
import { listSnapshots } from "./snapshot-record.ts";

const GIB = 2 ** 30;
/** Of stat's blocks, whatever the file system's are. */
const BLOCK_BYTES = 512;

const snapshotsDirectory = (config: Config): string => join(config.STORAGE_PATH, "snapshots");
const snapshotDirectory = (config: Config, uuid: string): string => join(snapshotsDirectory(config), uuid);

export const snapshotFile = (config: Config, uuid: string, device: string): string =>
  join(snapshotDirectory(config, uuid), device);

/** While it is written. */
export const unfinishedFile = (config: Config, uuid: string, device: string): string =>
  `${snapshotFile(config, uuid, device)}.tmp`;

/** QEMU, which is another user, writes into it: it has to get in, and need not look around. */
export const makeSnapshotDirectory = ({ config }: Cloud, uuid: string): Promise<unknown> =>
  mkdir(snapshotDirectory(config, uuid), { recursive: true, mode: 0o711 });

/** Bytes of each, by device. */
export async function finishFiles(
  { config }: Cloud,
  uuid: string,
  devices: readonly string[],
): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const device of devices) {
    const path = snapshotFile(config, uuid, device);
    await placeFile(unfinishedFile(config, uuid, device), path, 0o600);
    sizes[device] = (await stat(path)).size;
  }
  return sizes;
}

/**
 * Rejects with "insufficient" when what the disks hold now may not fit. Running out of room half way would also stop the
 * guest for a moment, as the old content of what it overwrites goes to the copy first.
 */
export async function requireRoom({ config }: Cloud, devices: readonly BlockDevice[]): Promise<void> {
  const { bavail, bsize } = await statfs(snapshotsDirectory(config));
  let needed = 0;
  for (const { path, base } of devices)
    needed += (await allocated(path)) + (base === null ? 0 : await allocated(base.path));
  const free = bavail * bsize;
  if (needed <= free) return;
  const words = `may need ${inGib(needed)} GiB, and its file system has ${inGib(free)} GiB free`;
  throw new CloudError("insufficient", words);
}

const inGib = (bytes: number): string => (bytes / GIB).toFixed(2);

const allocated = async (path: string): Promise<number> =>
  ((await stat(path).catch(() => undefined))?.blocks ?? 0) * BLOCK_BYTES;

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
