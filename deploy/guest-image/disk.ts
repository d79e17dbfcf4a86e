// A bootable disk from a directory, without a loop device: an MBR, a FAT partition with kernel and boot loader, an ext4
// partition labelled guest-root with everything else. The root partition is the last, so that the guest can grow it.
import { open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../lib/run.ts";

const SECTOR = 512;
const MIB = 1024 * 1024;
/** Of Debian's package syslinux-common. */
export const MBR_CODE = "/usr/lib/syslinux/mbr/mbr.bin";
const BOOT = { start_mib: 1, size_mib: 127, type: 0x0e, is_active: true };
const ROOT = { start_mib: 128, size_mib: 1408, type: 0x83, is_active: false };
const PARTITIONS = [BOOT, ROOT];
const WRITE_MS = 300_000;

/** Writes `disk` (raw). `root` is a whole system, its kernel and initrd in /boot. */
export async function makeDisk(root: string, loaderConfig: string, disk: string): Promise<void> {
  await layOut(disk);
  await makeBootPartition(join(root, "boot"), loaderConfig, disk);
  const place = ["-E", `offset=${ROOT.start_mib * MIB},nodiscard`];
  const args = ["-q", "-F", "-t", "ext4", "-L", "guest-root", "-m", "1", ...place, "-d", root];
  await run("mke2fs", [...args, disk, `${ROOT.size_mib}M`], { timeoutMs: WRITE_MS });
}

async function makeBootPartition(boot: string, loaderConfig: string, disk: string): Promise<void> {
  const start = `${BOOT.start_mib * (MIB / SECTOR)}`;
  const place = ["-h", start, "--offset", start];
  await run("mkfs.fat", ["-F", "16", "-n", "BOOT", ...place, disk, `${BOOT.size_mib * 1024}`]);
  for (const [file, name] of [
    [await onlyOne(boot, "vmlinuz-"), "vmlinuz"],
    [await onlyOne(boot, "initrd.img-"), "initrd"],
    [loaderConfig, "syslinux.cfg"],
  ])
    await run("mcopy", ["-i", `${disk}@@${BOOT.start_mib}M`, `${file}`, `::${name}`]);
  await run("syslinux", ["--offset", `${BOOT.start_mib * MIB}`, "--install", disk]);
}

async function onlyOne(directory: string, prefix: string): Promise<string> {
  const [name, ...others] = (await readdir(directory)).filter((each) => each.startsWith(prefix));
  if (name !== undefined && others.length === 0) return join(directory, name);
  throw new Error(
    `the guest image should have one file /boot/${prefix}*, has ${name ?? "none"} ${others.join(" ")}`,
  );
}

/** An empty disk with its partition table and the code that finds the active partition. */
async function layOut(disk: string): Promise<void> {
  const mbr = Buffer.alloc(SECTOR);
  (await readFile(MBR_CODE)).copy(mbr, 0, 0, 440);
  mbr.writeUInt32LE(0x5f5f5346, 440);
  for (const [index, { start_mib, size_mib, type, is_active }] of PARTITIONS.entries()) {
    const at = 446 + 16 * index;
    // Cylinders that say: look at the numbers of sectors instead.
    Buffer.from([is_active ? 0x80 : 0, 0xfe, 0xff, 0xff, type, 0xfe, 0xff, 0xff]).copy(mbr, at);
    mbr.writeUInt32LE(start_mib * (MIB / SECTOR), at + 8);
    mbr.writeUInt32LE(size_mib * (MIB / SECTOR), at + 12);
  }
  mbr.writeUInt16LE(0xaa55, 510);
  const file = await open(disk, "wx");
  try {
    await file.write(mbr, 0, SECTOR, 0);
    await file.truncate((ROOT.start_mib + ROOT.size_mib) * MIB);
  } finally {
    await file.close();
  }
}
