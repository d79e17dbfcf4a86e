// Hyper-V's disks (MS-VHDX): without a parent, and closed properly: a log to be replayed would change the file.
import { ascii, type Bytes, CUT_SHORT, refuse, refuseIf, requireDiskSize, u64le } from "./bytes.ts";
import type { Limits, Probed } from "./formats.ts";

const HEADERS_AT = [65_536, 131_072];
const REGIONS_AT = 196_608;
const TABLE_BYTES = 65_536;
const ENTRY_BYTES = 32;
const MOST_ENTRIES = 2047;

const metadataRegion = "06a27c8b90479a4bb8fe575f050f886e";
const fileParameters = "3767a1ca36fa434db3b633f0aa44e76b";
const diskSize = "2442a52f1bcd7648b2115dbed83bf4b8";
const parentLocator = "2d5fd3a80bb34d45abf7d3d84834ab0c";

const HAS_PARENT = 2;

const wrong = (what: string) => `its header is not sound: ${what}`;

export async function probeVhdx(bytes: Bytes, limits: Limits): Promise<Probed> {
  await requireClosed(bytes);
  const items = await readMetadata(bytes);
  const flags = items.get(fileParameters);
  const size = items.get(diskSize);
  if (flags === undefined || size === undefined || flags.length < 8 || size.length < 8)
    return refuse(wrong("its metadata"));
  const block = flags.readUInt32LE(0);
  refuseIf(
    [items.has(parentLocator) || (flags.readUInt32LE(4) & HAS_PARENT) !== 0, "it has a backing file"],
    [
      block < 2 ** 20 || block > 2 ** 28 || !Number.isInteger(Math.log2(block)),
      wrong("the size of its blocks"),
    ],
  );
  const virtual_size_bytes = requireDiskSize(u64le(size, 0), limits.max_virtual_bytes);
  return { format: "vhdx", virtual_size_bytes, plain: false };
}

/** Of the two headers the one with the higher number is in force. */
async function requireClosed({ read }: Bytes): Promise<void> {
  const both = await Promise.all(HEADERS_AT.map((at) => read(at, 4096)));
  if (both.some(({ length }) => length < 4096)) refuse(CUT_SHORT);
  const [current] = both
    .filter((header) => ascii(header, 0, 4) === "head")
    .sort((one, other) => Number(other.readBigUInt64LE(8) - one.readBigUInt64LE(8)));
  if (current === undefined) return refuse(wrong("its headers"));
  if (current.subarray(48, 64).some((byte) => byte !== 0))
    refuse("it was not closed properly: it has a log to be replayed; open and close it where it comes from");
}

/** The items of the metadata by their identifiers, none longer than is looked at. */
async function readMetadata({ read, size }: Bytes): Promise<Map<string, Buffer>> {
  const regions = await read(REGIONS_AT, TABLE_BYTES);
  if (regions.length < TABLE_BYTES) refuse(CUT_SHORT);
  const region = entriesOf(regions, "regi", 8, 16).find(({ id }) => id === metadataRegion);
  if (region === undefined) return refuse(wrong("it has no metadata"));
  const start = u64le(region.entry, 16);
  if (start + TABLE_BYTES > size) refuse(CUT_SHORT);
  const items = new Map<string, Buffer>();
  for (const { id, entry } of entriesOf(await read(start, TABLE_BYTES), "metadata", 10, 32)) {
    if (items.has(id)) refuse(wrong("its metadata are there twice"));
    items.set(id, await read(start + entry.readUInt32LE(16), Math.min(8, entry.readUInt32LE(20))));
  }
  return items;
}

function entriesOf(table: Buffer, signature: string, countAt: number, from: number) {
  if (ascii(table, 0, signature.length) !== signature) refuse(wrong("its tables"));
  const count = table.readUInt16LE(countAt);
  if (count > MOST_ENTRIES || from + count * ENTRY_BYTES > table.length) refuse(wrong("its tables"));
  return Array.from({ length: count }, (_, index) => {
    const entry = table.subarray(from + index * ENTRY_BYTES, from + (index + 1) * ENTRY_BYTES);
    return { id: entry.toString("hex", 0, 16), entry };
  });
}
