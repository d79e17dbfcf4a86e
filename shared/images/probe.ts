// What a downloaded file is, told from its content alone. Decided here once; every later program is given the answer.
// Formats that can name other files (vmdk, qcow2) are looked into before any program opens them.
import { open } from "node:fs/promises";

export type Format = "qcow2" | "raw" | "iso" | "vmdk" | "vdi" | "vhdx" | "vpc" | "gzip";

const HEAD_BYTES = 36_864;
const ISO_MAGIC_AT = 32_769;
const QCOW2_DATA_FILE = 1n << 2n;

const compressed: readonly [string, string][] = [
  ["fd377a585a00", "xz"],
  ["425a68", "bzip2"],
  ["28b52ffd", "zstd"],
  ["504b0304", "zip"],
  ["377abcaf271c", "7z"],
];

/** The format, or why the file is no image that can be used. */
export async function probe(file: string): Promise<{ format: Format } | { refused: string }> {
  const head = await readHead(file);
  if (head.length === 0) return { refused: "it is empty" };
  if (startsWith(head, "1f8b")) return { format: "gzip" };
  const packed = compressed.find(([magic]) => startsWith(head, magic));
  if (packed !== undefined) return { refused: `it is compressed with ${packed[1]}; only gzip is understood` };
  if (startsWith(head, "514649fb")) return probeQcow2(head);
  if (ascii(head, 0, 4) === "KDMV") return probeVmdk(head);
  if (ascii(head, 0, 8) === "vhdxfile") return { format: "vhdx" };
  if (ascii(head, 0, 8) === "conectix") return { format: "vpc" };
  if (head.length > 68 && head.readUInt32LE(64) === 0xbeda107f) return { format: "vdi" };
  if (ascii(head, ISO_MAGIC_AT, 5) === "CD001") return { format: "iso" };
  if (head.length >= 512 && head.readUInt16LE(510) === 0xaa55) return { format: "raw" };
  if (/<html|<!doctype/i.test(ascii(head, 0, 512))) return { refused: "it is a web page, not a disk image" };
  if (isText(head)) return { refused: "it is a text, not a disk image" };
  return {
    refused: "it is neither a known image format nor a disk with a boot sector nor an ISO 9660 file system",
  };
}

async function readHead(file: string): Promise<Buffer> {
  const handle = await open(file, "r");
  try {
    const buffer = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function probeQcow2(head: Buffer): { format: Format } | { refused: string } {
  if (head.length < 104) return { refused: "it is cut short" };
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3)
    return { refused: `it is qcow version ${version}; 2 and 3 are understood` };
  if (head.readBigUInt64BE(8) !== 0n) return { refused: "it has a backing file" };
  if (head.readUInt32BE(32) !== 0) return { refused: "it is encrypted" };
  if (version === 3 && (head.readBigUInt64BE(72) & QCOW2_DATA_FILE) !== 0n)
    return { refused: "it has an external data file" };
  return { format: "qcow2" };
}

/** A capacity of zero makes QEMU read the file as a list of names of other files. */
function probeVmdk(head: Buffer): { format: Format } | { refused: string } {
  if (head.length < 512) return { refused: "it is cut short" };
  return head.readBigUInt64LE(12) === 0n ? { refused: "it refers to other files" } : { format: "vmdk" };
}

const startsWith = (head: Buffer, magic: string): boolean =>
  head.toString("hex", 0, magic.length / 2) === magic;

const ascii = (head: Buffer, at: number, length: number): string => head.toString("latin1", at, at + length);

function isText(head: Buffer): boolean {
  return !head.subarray(0, 512).some((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27));
}
