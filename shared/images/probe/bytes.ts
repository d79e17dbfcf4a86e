// A stranger's file, read a bounded piece at a time; and how its faults are told.
import { open } from "node:fs/promises";
import { CloudError } from "../../errors.ts";

/** As much of the beginning as the magic of every known format and file system needs. */
const HEAD_BYTES = 72 * 1024;
const TAIL_BYTES = 512;
const MOST_BYTES = 16 * 2 ** 20;

export interface Bytes {
  readonly size: number;
  /** The beginning; shorter than 72 KiB only where the file is. */
  readonly head: Buffer;
  /** The last 512 bytes. */
  readonly tail: Buffer;
  /** What is there of a piece; empty past the end. Refuses pieces over 16 MiB. */
  read(at: number, length: number): Promise<Buffer>;
}

export async function withBytes<T>(file: string, work: (bytes: Bytes) => Promise<T> | T): Promise<T> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    const read = async (at: number, length: number) => {
      if (length > MOST_BYTES) refuse("it has absurdly large tables");
      const buffer = Buffer.alloc(Math.max(0, Math.min(length, size - at)));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, buffer.length === 0 ? 0 : at);
      return buffer.subarray(0, bytesRead);
    };
    const head = await read(0, HEAD_BYTES);
    const tail = await read(Math.max(0, size - TAIL_BYTES), TAIL_BYTES);
    return await work({ size, head, tail, read });
  } finally {
    await handle.close();
  }
}

export function refuse(why: string): never {
  throw new CloudError("malformed", why);
}

/** Refuses with the first of the reasons that holds. */
export function refuseIf(...reasons: readonly (readonly [holds: boolean, why: string])[]): void {
  const [, why] = reasons.find(([holds]) => holds) ?? [];
  if (why !== undefined) refuse(why);
}

export const CUT_SHORT = "it is cut short";

/** What holds for the disk inside, whatever the format. */
export function requireDiskSize(bytes: number, max_bytes: number): number {
  if (bytes === 0) refuse("its disk has no size");
  if (bytes <= max_bytes) return bytes;
  const most = `${max_bytes / 2 ** 30} GiB (SHAKENFIST_IMAGE_MAX_VIRTUAL_GIB)`;
  throw new CloudError("too_large", `its disk is larger than ${most}`);
}

export const ascii = (bytes: Buffer, at: number, length: number): string =>
  bytes.toString("latin1", Math.min(at, bytes.length), Math.min(at + length, bytes.length));

/** Rounded above 2^53, where only comparisons are of use. */
export const u64be = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64BE(at));
export const u64le = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64LE(at));
