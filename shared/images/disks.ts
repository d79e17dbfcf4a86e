// The files behind an instance's disks. Safe to repeat: a finished disk is kept, an unfinished one is made anew.
import { constants } from "node:fs";
import { copyFile, link, rm, stat } from "node:fs/promises";
import { basename } from "node:path";
import { CloudError, messageOf } from "../errors.ts";
import type { Exec } from "../ports/exec/exec.ts";
import type { CachedImage } from "./cache.ts";
import { placeFile } from "./place.ts";

const GIB = 2 ** 30;
const CREATE_MS = 30_000;
const COPY_MS = 3_600_000;

export interface DiskPlan {
  path: string;
  /** null: as large as the base. */
  size_gib: number | null;
  base?: Pick<CachedImage, "path" | "format" | "kind" | "virtual_size_bytes">;
  /** `qcow` layers on the base, `qcow_flat` and `flat` (raw) copy it. */
  disk_format: "qcow" | "qcow_flat" | "flat";
  signal?: AbortSignal;
}

/** The format that the disk's file has or will have. */
export function diskFormat(plan: Pick<DiskPlan, "base" | "disk_format">): "qcow2" | "raw" {
  return plan.base?.kind === "iso" || plan.disk_format === "flat" ? "raw" : "qcow2";
}

/**
 * Makes the disk unless it is there. Rejects with CloudError: "malformed" for a size that cannot be, "insufficient" when
 * the file system is full.
 */
export async function makeDisk(exec: Exec, plan: DiskPlan): Promise<void> {
  const bytes = requireSize(plan);
  if (await exists(plan.path)) return;
  const temporary = `${plan.path}.tmp`;
  await rm(temporary, { force: true });
  try {
    if (plan.base?.kind === "iso") await linkOrCopy(plan.base.path, temporary);
    else await writeDisk(exec, plan, temporary, bytes);
    await placeFile(temporary, plan.path, plan.base?.kind === "iso" ? 0o644 : 0o600);
  } catch (error) {
    await rm(temporary, { force: true });
    throw explainFull(`disk ${basename(plan.path)}`, error);
  }
}

/** Bytes of the disk, which must not be smaller than its base: the end of the image would be missing. */
function requireSize({ path, size_gib, base }: DiskPlan): number {
  if (size_gib === null && base === undefined)
    throw new CloudError("malformed", `disk ${basename(path)}: neither a size nor a base`);
  const least = base?.virtual_size_bytes ?? 1;
  const bytes = size_gib === null ? least : size_gib * GIB;
  if (bytes < least && base?.kind !== "iso")
    throw new CloudError("malformed", `disk of ${size_gib} GiB: its image needs ${inGib(least)} GiB`);
  return bytes;
}

const inGib = (bytes: number): number => Math.ceil((bytes / GIB) * 100) / 100;

async function writeDisk(exec: Exec, plan: DiskPlan, file: string, bytes: number): Promise<void> {
  const format = diskFormat(plan);
  const { base } = plan;
  const run = (timeout_ms: number, ...args: string[]) =>
    exec.run("qemu-img", args, { timeout_ms, ...(plan.signal === undefined ? {} : { signal: plan.signal }) });
  if (base === undefined) {
    await run(CREATE_MS, "create", "-q", "-f", format, file, String(bytes));
  } else if (plan.disk_format === "qcow") {
    const backing = ["-b", base.path, "-F", base.format];
    await run(CREATE_MS, "create", "-q", "-f", "qcow2", ...backing, file, String(bytes));
  } else {
    await run(COPY_MS, "convert", "-f", base.format, "-O", format, base.path, file);
    await run(CREATE_MS, "resize", "-q", "-f", format, file, String(bytes));
  }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!hasCode(error, "EXDEV", "EMLINK", "EPERM")) throw error;
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}

const hasCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && "code" in error && codes.includes(String(error.code));

/** The same error, or "insufficient" where it tells of a full file system. */
export function explainFull(subject: string, error: unknown): unknown {
  if (!/ENOSPC|EDQUOT|no space left/i.test(messageOf(error))) return error;
  return new CloudError("insufficient", `${subject}: no space left on its file system`, { cause: error });
}
