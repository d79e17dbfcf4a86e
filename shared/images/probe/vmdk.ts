// VMware's sparse extents with an embedded descriptor (monolithicSparse, streamOptimized): the only VMDKs that are one file.
import { ascii, type Bytes, CUT_SHORT, refuse, refuseIf, requireDiskSize, u64le } from "./bytes.ts";
import type { Limits, Probed } from "./formats.ts";

const SECTOR = 512;
/** Where QEMU looks for a parent, whatever the header says. */
const DESCRIPTOR_AT = SECTOR;
const DESCRIPTOR_BYTES = 20 * SECTOR;
const MAX_DESCRIPTOR_SECTORS = 2048;
const AT_END = 2n ** 64n - 1n;
const WHOLE = ["monolithicsparse", "streamoptimized"];

export async function probeVmdk(bytes: Bytes, limits: Limits): Promise<Probed> {
  const { head } = bytes;
  if (head.length < SECTOR) refuse(CUT_SHORT);
  const capacity = u64le(head, 12);
  // QEMU then reads the file as a list of names of other files.
  if (capacity === 0) refuse("it refers to other files");
  requireSound(bytes);
  const virtual_size_bytes = requireDiskSize(capacity * SECTOR, limits.max_virtual_bytes);
  for (const text of await descriptors(bytes)) requireAlone(text);
  return { format: "vmdk", virtual_size_bytes, plain: false };
}

function requireSound({ head, size }: Bytes): void {
  const version = head.readUInt32LE(4);
  const grain = u64le(head, 20);
  const entries = head.readUInt32LE(44);
  const directory = head.readBigUInt64LE(56);
  const wrong = (what: string) => `its header is not sound: ${what}`;
  refuseIf(
    [version < 1 || version > 3, `it is vmdk version ${version}; 1 to 3 are understood`],
    [grain < 1 || grain > 2 ** 21 || !Number.isInteger(Math.log2(grain)), wrong("the size of its grains")],
    [entries < 1 || entries > 512, wrong("the size of its grain tables")],
    [head.readUInt16LE(77) > 1, wrong("how it is compressed")],
    [directory !== AT_END && Number(directory) * SECTOR >= size, CUT_SHORT],
    [directory === 0n, wrong("where its grain directory is")],
    [u64le(head, 36) > MAX_DESCRIPTOR_SECTORS, wrong("the size of its descriptor")],
  );
}

async function descriptors({ head, read }: Bytes): Promise<string[]> {
  const named = await read(u64le(head, 28) * SECTOR, u64le(head, 36) * SECTOR);
  const fixed = await read(DESCRIPTOR_AT, DESCRIPTOR_BYTES);
  return [named.toString("latin1"), ascii(fixed, 0, fixed.length)];
}

function requireAlone(text: string): void {
  const type = /^\s*createType\s*=\s*"?([^"\s]*)/im.exec(text)?.[1]?.toLowerCase();
  const extents = text.match(/^\s*(RW|RDONLY|NOACCESS)\s+\d+\s+\w+/gim) ?? [];
  const flat = extents.some((extent) => !/\sSPARSE$/i.test(extent));
  refuseIf(
    [/parentFileNameHint/i.test(text), "it has a backing file"],
    [/^\s*parentCID\s*=\s*(?!f{8}\b)/im.test(text), "it has a backing file"],
    [extents.length > 1 || flat, "it refers to other files"],
    [type !== undefined && !WHOLE.includes(type), `it is a part of a VMDK of type ${type?.slice(0, 40)}`],
  );
}
