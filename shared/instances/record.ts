// Instances as the store keeps them. One object, one key: metadata is part of it.
import type { Need } from "../nodes/placement.ts";

export type InstanceState = "initial" | "preflight" | "creating" | "created" | "deleted" | "error";

export interface DiskSpec {
  /** GiB. */
  size: number | null;
  base: string | null;
  bus: string | null;
  type: "disk" | "cdrom";
}

export interface DiskBase {
  path: string;
  format: "qcow2" | "raw";
  kind: "disk" | "iso";
  virtual_size_bytes: number;
}

/** A disk as the domain gets it; fixed once the images are known. */
export interface BlockDevice {
  type: "qcow2" | "raw";
  size: number | null;
  /** Within the guest's buses: `vda`. */
  device: string;
  bus: string;
  path: string;
  /** The cached image below it, or null for a blank disk. */
  base: DiskBase | null;
  present_as: "disk" | "cdrom";
  snapshot_ignores: boolean;
}

export interface InstanceRecord {
  uuid: string;
  name: string;
  namespace: string;
  cpus: number;
  memory_mib: number;
  disk_spec: DiskSpec[];
  ssh_key: string | null;
  /** base64, as given. */
  user_data: string | null;
  video: { model: string; memory: number };
  node: string;
  requested_placement: string | null;
  placement_attempts: number;
  console_port: number;
  vdi_port: number;
  block_devices: { devices: BlockDevice[]; finalized: boolean } | null;
  state: InstanceState;
  state_updated: number;
  power_state: string;
  power_state_previous: string | null;
  power_state_updated: number | null;
  /** When its guest was asked to reboot, until it has or is taken to ignore that. */
  reboot_asked?: number;
  error_message: string | null;
  /** In the order of the request. */
  interface_uuids: string[];
  metadata: Record<string, unknown>;
  /** Deletion was asked for: nothing may begin or go on to start it. */
  doomed: boolean;
  /** It failed and not everything that it had could be taken back: it still holds what was allocated. */
  leftovers: boolean;
  /** It failed with disks that somebody has written to: they go when its owner deletes it, not by themselves. */
  disks_kept?: boolean;
}

export const INSTANCES = "instance/";
export const instanceKey = (uuid: string): string => `${INSTANCES}${uuid}`;
export const portPrefix = (node: string): string => `port/${node}/`;
export const portKey = (node: string, port: number): string => `${portPrefix(node)}${port}`;

/** What the instance claims of its node. */
export const needOf = (instance: Pick<InstanceRecord, "cpus" | "memory_mib" | "disk_spec">): Need => ({
  cpus: instance.cpus,
  memory_mib: instance.memory_mib,
  disk_gib: instance.disk_spec.reduce((sum, { size }) => sum + (size ?? 0), 0),
});
