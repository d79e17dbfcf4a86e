// The disks of an instance as devices of the guest: names by position, the config drive second.
import { join } from "node:path";
import type { Config } from "../config.ts";
import { diskFormat } from "../images/disks.ts";
import { instanceDirectory } from "./paths.ts";
import type { BlockDevice, DiskBase, DiskSpec, InstanceRecord } from "./record.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** Letters do not restart with each bus. */
const prefixOf = (bus: string): string => ({ virtio: "vd", ide: "hd" })[bus] ?? "sd";

/** `bases` are the images of the disks, by position; null for a blank one. */
export function devicesOf(
  config: Config,
  instance: InstanceRecord,
  bases: readonly (DiskBase | null)[],
): BlockDevice[] {
  const disks = instance.disk_spec.map((spec, index) =>
    deviceOf(config, instance.uuid, spec, bases[index] ?? null, index === 0 ? 0 : index + 1),
  );
  const [first, ...others] = disks;
  return first === undefined ? [] : [first, configDrive(config, instance), ...others];
}

function deviceOf(
  config: Config,
  uuid: string,
  spec: DiskSpec,
  base: DiskBase | null,
  position: number,
): BlockDevice {
  const isCdrom = spec.type === "cdrom" || base?.kind === "iso";
  const bus = isCdrom ? "ide" : (spec.bus ?? config.DISK_BUS);
  const device = `${prefixOf(bus)}${LETTERS[position]}`;
  return {
    type: diskFormat({ disk_format: config.DISK_FORMAT, ...(base === null ? {} : { base }) }),
    size: spec.size,
    device,
    bus,
    path: join(instanceDirectory(config, uuid), device),
    base,
    present_as: isCdrom ? "cdrom" : "disk",
    snapshot_ignores: isCdrom,
  };
}

function configDrive(config: Config, { uuid, disk_spec }: InstanceRecord): BlockDevice {
  const first = disk_spec[0];
  const bus = (first?.type === "cdrom" ? "ide" : first?.bus) ?? config.DISK_BUS;
  return {
    type: "raw",
    size: null,
    device: `${prefixOf(bus)}b`,
    bus,
    path: join(instanceDirectory(config, uuid), "config-drive.iso"),
    base: null,
    present_as: "disk",
    snapshot_ignores: true,
  };
}
