// Snapshots of instances as the store keeps them and the wire shows them.
import type { Snapshot } from "../api/types.ts";
import type { Cloud } from "../cloud.ts";

/** What was taken at once: a file for each device. */
export interface SnapshotRecord {
  uuid: string;
  instance_uuid: string;
  devices: string[];
  created: number;
}

export const snapshotPrefix = (instance: string): string => `snapshot/${instance}/`;
export const snapshotKey = (instance: string, uuid: string): string => snapshotPrefix(instance) + uuid;

/** Ascending by time. */
export function listSnapshots(cloud: Cloud, instance: string): SnapshotRecord[] {
  const snapshots = cloud.store.mirror.list<SnapshotRecord>(snapshotPrefix(instance));
  return snapshots.map(({ value }) => value).sort((one, other) => one.created - other.created);
}

/** A row for each device; typed clients take no fractions of a second. */
export const viewSnapshot = ({ uuid, instance_uuid, devices, created }: SnapshotRecord): Snapshot[] =>
  devices.map((device) => ({ uuid, device, instance_uuid, created: Math.floor(created) }));
