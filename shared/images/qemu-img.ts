// qemu-img on images: the format is always named, never guessed.
import { CloudError, isKind } from "../errors.ts";
import type { Exec } from "../ports/exec/exec.ts";

/** The memory it may take on a stranger's file. */
export const QEMU_IMG_BYTES = 2 * 2 ** 30;
const INFO_MS = 60_000;

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

interface Limits {
  timeout_ms: number;
  signal?: AbortSignal;
}

export async function imageInfo(
  exec: Exec,
  file: string,
  format: string,
  signal?: AbortSignal,
): Promise<ImageInfo> {
  const args = ["info", "--output=json", "-f", format, file];
  const { stdout } = await exec.run("qemu-img", args, { timeout_ms: INFO_MS, ...maybe(signal) });
  return JSON.parse(stdout) as ImageInfo;
}

/** Rejects with CloudError "malformed" for tables that contradict each other or point past the end of the file. */
export async function checkImage(exec: Exec, file: string, format: string, limits: Limits): Promise<void> {
  const args = ["check", "--output=json", "-f", format, file];
  const found = { sound: 0, incomplete: 1, damaged: 2, leaks: 3 };
  const { code } = await exec.run("qemu-img", args, {
    ...limits,
    accept: Object.values(found),
    // A line for each fault, of which there may be millions.
    onOutput: () => {},
  });
  if (code === found.damaged || code === found.incomplete)
    throw new CloudError(
      "malformed",
      "it is damaged or cut short: qemu-img check finds errors in its tables",
    );
}

/** Writes `file` as a new qcow2 (or raw) file without any backing file. */
export async function convertImage(
  exec: Exec,
  from: { file: string; format: string },
  to: { file: string; format: "qcow2" | "raw" },
  limits: Limits & { onPercent?: (percent: number) => void },
): Promise<void> {
  const { onPercent, ...rest } = limits;
  const args = ["convert", "-p", "-f", from.format, "-O", to.format, from.file, to.file];
  await exec.run("qemu-img", args, {
    ...rest,
    onOutput(chunk) {
      const percent = chunk.toString("latin1").match(/\(\s*([\d.]+)\/100%\)\s*$/)?.[1];
      if (percent !== undefined) onPercent?.(Number(percent));
    },
  });
}

/** Of a failed qemu-img: whether the file was at fault, and not this machine. */
export function isFileAtFault(error: unknown): error is CloudError {
  if (!isKind(error, "internal") || /no space left|ENOSPC|EDQUOT|not installed/i.test(error.message))
    return false;
  const { code, signal } = error.detail;
  return signal !== undefined || (typeof code === "number" && code !== 126 && code !== 127);
}

const maybe = (signal: AbortSignal | undefined): { signal?: AbortSignal } =>
  signal === undefined ? {} : { signal };
