// VirtualBox's images: one of their own, neither a difference nor the undo log of another.
import { type Bytes, CUT_SHORT, refuse, refuseIf, requireDiskSize, u64le } from "./bytes.ts";
import type { Limits, Probed } from "./formats.ts";

const HEADER_BYTES = 512;
const BLOCK_BYTES = 2 ** 20;

export function probeVdi({ head, size }: Bytes, limits: Limits): Probed {
  if (head.length < HEADER_BYTES) refuse(CUT_SHORT);
  const u32 = (at: number) => head.readUInt32LE(at);
  const version = u32(0x44);
  const map = u32(0x154);
  const data = u32(0x158);
  const blocks = u32(0x180);
  const allocated = u32(0x184);
  const disk = u64le(head, 0x170);
  const wrong = (what: string) => `its header is not sound: ${what}`;
  const linked = head.subarray(0x1a8, 0x1c8).some((byte) => byte !== 0);
  refuseIf(
    [version !== 0x10001, `it is vdi version ${version >>> 16}.${version & 0xffff}; 1.1 is understood`],
    [linked || u32(0x4c) === 3 || u32(0x4c) === 4, "it has a backing file"],
    [u32(0x4c) !== 1 && u32(0x4c) !== 2, wrong("its type")],
    [u32(0x168) !== 512, wrong("the size of its sectors")],
    [u32(0x178) !== BLOCK_BYTES, wrong("the size of its blocks")],
    [map % 512 !== 0 || data % 512 !== 0 || map < HEADER_BYTES || data < map, wrong("where its tables are")],
  );
  const virtual_size_bytes = requireDiskSize(disk, limits.max_virtual_bytes);
  refuseIf(
    [blocks < Math.ceil(disk / BLOCK_BYTES) || allocated > blocks, wrong("how many blocks it has")],
    [map + blocks * 4 > size || data + allocated * BLOCK_BYTES > size, CUT_SHORT],
  );
  return { format: "vdi", virtual_size_bytes, plain: false };
}
