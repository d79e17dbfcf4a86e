// qemu-img on files that strangers made: the format is always named, and memory, CPU time and output are bounded.
import type { Exec } from "../ports/exec/exec.ts";

const GIB = 2 ** 30;
const MEMORY_BYTES = 2 * GIB;
const INFO_MS = 30_000;

/** The part of `qemu-img info --output=json` that is looked at. */
export interface ImageInfo {
  "virtual-size": number;
  encrypted?: boolean;
  "backing-filename"?: string;
  "format-specific"?: {
    data?: {
      "data-file"?: string;
      corrupt?: boolean;
      "create-type"?: string;
      extents?: { filename: string }[];
    };
  };
}

export async function imageInfo(
  exec: Exec,
  file: string,
  format: string,
  signal?: AbortSignal,
): Promise<ImageInfo> {
  const args = ["info", "--output=json", "-f", format, file];
  const { stdout } = await bounded(exec, args, { timeout_ms: INFO_MS, max_bytes: 0, ...maybe(signal) });
  return JSON.parse(stdout) as ImageInfo;
}

/** Writes `file` as a new qcow2 (or raw) file without any backing file. */
export async function convertImage(
  exec: Exec,
  from: { file: string; format: string },
  to: { file: string; format: "qcow2" | "raw" },
  limits: { timeout_ms: number; max_bytes: number; signal?: AbortSignal },
): Promise<void> {
  const args = ["convert", "-f", from.format, "-O", to.format, from.file, to.file];
  await bounded(exec, args, limits);
}

async function bounded(
  exec: Exec,
  args: readonly string[],
  limits: { timeout_ms: number; max_bytes: number; signal?: AbortSignal },
): Promise<{ stdout: string }> {
  const caps = [
    `--as=${MEMORY_BYTES}`,
    `--cpu=${Math.ceil(limits.timeout_ms / 1000)}`,
    `--fsize=${limits.max_bytes}`,
    "--core=0",
  ];
  const { timeout_ms, signal } = limits;
  return exec.run("prlimit", [...caps, "--", "qemu-img", ...args], { timeout_ms, ...maybe(signal) });
}

const maybe = (signal: AbortSignal | undefined): { signal?: AbortSignal } =>
  signal === undefined ? {} : { signal };
