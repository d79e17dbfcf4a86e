// The disks of an instance as devices of the guest: names by position, the config drive second.
import { join } from "node:path";
import type { Config } from "../config.ts";
import { CloudError } from "../errors.ts";
import { diskFormat } from "../images/disks.ts";
import { instanceDirectory } from "./paths.ts";
import type { BlockDevice, DiskBase, DiskSpec, InstanceRecord } from "./record.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** Letters do not restart with each bus. */
const prefixOf = (bus: string): string => ({ virtio: "vd", ide: "hd" })[bus] ?? "sd";

/** Position among the devices: the config drive has the second. */
const positionOf = (index: number): number => (index === 0 ? 0 : index + 1);

const IDE_POSITIONS = 4;

/**
 * Rejects with "malformed" where a disk would come to a place on IDE that there is not. What an image turns out to be is
 * not known here: an ISO beyond these places fails when it has been fetched.
 */
export function requireIdeRoom(config: Config, disks: readonly Pick<DiskSpec, "bus" | "type">[]): void {
  for (const [index, disk] of disks.entries()) {
    const isIde = disk.type === "cdrom" || (disk.bus || config.DISK_BUS) === "ide";
    if (!isIde || positionOf(index) < IDE_POSITIONS) continue;
    const why =
      disk.type === "cdrom" || disk.bus === "ide" ? "" : ": ide is the default bus, give it another";
    throw new CloudError("malformed", `only the first three disks can be ide or cdrom${why}`);
  }
}

/** `bases` are the images of the disks, by position; null for a blank one. */
export function devicesOf(
  config: Config,
  instance: InstanceRecord,
  bases: readonly (DiskBase | null)[],
): BlockDevice[] {
  const disks = instance.disk_spec.map((spec, index) =>
    deviceOf(config, instance.uuid, spec, bases[index] ?? null, positionOf(index)),
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
