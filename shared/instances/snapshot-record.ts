// Snapshots of instances as the store keeps them and the wire shows them.
import type { Snapshot } from "../api/types.ts";
import type { Cloud } from "../cloud.ts";
import type { Entry } from "../ports/store/store.ts";

/** What is taken at once: a file for each device. Its files may be there, in part or whole, as long as the record is. */
export interface SnapshotRecord {
  uuid: string;
  instance_uuid: string;
  devices: string[];
  /** When it was asked for. */
  created: number;
  /** Missing in records of earlier versions, which wrote whole ones only. */
  state?: "creating" | "created" | "deleting";
  /** Percent, while it is made. */
  progress?: number;
  /** Bytes of each device's file. */
  sizes?: Record<string, number>;
}

const SNAPSHOTS = "snapshot/";
export const snapshotPrefix = (instance: string): string => `${SNAPSHOTS}${instance}/`;
export const snapshotKey = (instance: string, uuid: string): string => snapshotPrefix(instance) + uuid;

/** Of all instances. */
export const allSnapshots = (cloud: Cloud): readonly Entry<SnapshotRecord>[] =>
  cloud.store.mirror.list<SnapshotRecord>(SNAPSHOTS);

export const stateOf = ({ state }: SnapshotRecord): "creating" | "created" | "deleting" => state ?? "created";

/** Ascending by time. */
export function listSnapshots(cloud: Cloud, instance: string): SnapshotRecord[] {
  const snapshots = cloud.store.mirror.list<SnapshotRecord>(snapshotPrefix(instance));
  return snapshots.map(({ value }) => value).sort((one, other) => one.created - other.created);
}

/** A row for each device, those under way included; typed clients take no fractions of a second. */
export function viewSnapshot(snapshot: SnapshotRecord): Snapshot[] {
  const { uuid, instance_uuid, devices, created, progress = 0, sizes = {} } = snapshot;
  const state = stateOf(snapshot);
  if (state === "deleting") return [];
  return devices.map((device) => ({
    ...{ uuid, device, instance_uuid, created: Math.floor(created), state },
    size: sizes[device] ?? null,
    progress: state === "created" ? 100 : progress,
  }));
}
