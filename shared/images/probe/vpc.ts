// Virtual PC's disks (VHD): dynamic ones begin with their footer's copy, fixed ones are raw with a footer behind.
import { ascii, type Bytes, CUT_SHORT, refuse, refuseIf, requireDiskSize, u64be } from "./bytes.ts";
import type { Limits, Probed } from "./formats.ts";

const FOOTER_BYTES = 512;
const DYNAMIC_BYTES = 1024;
const UNUSED = 0xffffffff;
const FIXED = 2;
const DYNAMIC = 3;
const DIFFERENCING = 4;

export const isVpcFooter = (bytes: Buffer): boolean =>
  bytes.length === FOOTER_BYTES &&
  ascii(bytes, 0, 8) === "conectix" &&
  sumOf(bytes, 64) === bytes.readUInt32BE(64);

const wrong = (what: string) => `its header is not sound: ${what}`;

export async function probeVpc(bytes: Bytes, limits: Limits): Promise<Probed> {
  const { head } = bytes;
  if (head.length < FOOTER_BYTES) refuse(CUT_SHORT);
  const begins = ascii(head, 0, 8) === "conectix";
  const footer = begins ? head.subarray(0, FOOTER_BYTES) : bytes.tail;
  const type = footer.readUInt32BE(60);
  const disk = requireDiskSize(u64be(footer, 48), limits.max_virtual_bytes);
  refuseIf(
    [type === DIFFERENCING, "it has a backing file"],
    [type !== (begins ? DYNAMIC : FIXED), wrong("its type")],
    [!isVpcFooter(footer), wrong("its checksum")],
    [!begins && disk + FOOTER_BYTES > bytes.size, CUT_SHORT],
  );
  if (begins) await requireBlocks(bytes, u64be(footer, 16), disk);
  return { format: "vpc", plain: false };
}

/** QEMU reads blocks past the end as zeros: they are looked for here. */
async function requireBlocks({ read, size }: Bytes, at: number, disk: number): Promise<void> {
  const header = await read(at, DYNAMIC_BYTES);
  if (header.length < DYNAMIC_BYTES) refuse(CUT_SHORT);
  const table = u64be(header, 16);
  const entries = header.readUInt32BE(28);
  const block = header.readUInt32BE(32);
  refuseIf(
    [ascii(header, 0, 8) !== "cxsparse", wrong("its second header")],
    [sumOf(header, 36) !== header.readUInt32BE(36), wrong("its checksum")],
    [block < 4096 || !Number.isInteger(Math.log2(block)), wrong("the size of its blocks")],
    [entries * block < disk, wrong("how many blocks it has")],
    [table + entries * 4 > size, CUT_SHORT],
  );
  const map = await read(table, entries * 4);
  const bitmap = Math.ceil(block / 512 / 8 / 512) * 512;
  for (let index = 0; index < entries; index++) {
    const sector = map.readUInt32BE(index * 4);
    if (sector !== UNUSED && sector * 512 + bitmap + block > size) refuse(CUT_SHORT);
  }
}

/** One's complement of the sum of all bytes but those of the sum. */
function sumOf(bytes: Buffer, at: number): number {
  let sum = 0;
  for (const [index, byte] of bytes.entries()) if (index < at || index >= at + 4) sum += byte;
  return ~sum >>> 0;
}
