// Whether all that a qcow2's tables point to is there. `qemu-img check` overlooks packed clusters past the end of the file, and
// may be kept busy for hours by tables that are used many times.
import { type Bytes, CUT_SHORT, refuse } from "./bytes.ts";

const MOST_TABLE_BYTES = 2 ** 30;
const L1_PIECE_BYTES = 2 ** 20;
const SECTOR = 512;
const HIGH = 2 ** 32;
/** Of the upper half of an entry: the flags above the 56 bits of an offset. */
const OFFSET_HIGH = 0x00ffffff;
const PACKED = 0x40000000;

export interface Tables {
  readonly l1: number;
  readonly l1_entries: number;
  readonly cluster_bits: number;
  readonly extended: boolean;
}

/** Reads no more of tables than the file is long, however often one is named. */
export async function requireClusters(bytes: Bytes, tables: Tables): Promise<void> {
  const { l1, l1_entries, cluster_bits } = tables;
  const cluster = 2 ** cluster_bits;
  let left = Math.min(bytes.size, MOST_TABLE_BYTES);
  for (let at = 0; at < l1_entries * 8; at += L1_PIECE_BYTES) {
    const piece = await bytes.read(l1 + at, Math.min(L1_PIECE_BYTES, l1_entries * 8 - at));
    for (let entry = 0; entry + 8 <= piece.length; entry += 8) {
      const table = offsetAt(piece, entry);
      if (table === 0) continue;
      left -= cluster;
      if (left < 0) refuse("it is damaged: its tables are larger than the file");
      requireEntries(await bytes.read(table, cluster), bytes.size, tables);
    }
  }
}

/** What is last in a file may end in the middle of its cluster, packed data also of its sector: files are not padded. */
function requireEntries(table: Buffer, size: number, { cluster_bits, extended }: Tables): void {
  if (table.length === 0) refuse(CUT_SHORT);
  const step = extended ? 16 : 8;
  for (let at = 0; at + step <= table.length; at += step) {
    const packed = (table.readUInt32BE(at) & PACKED) !== 0;
    const end = packed ? packedEnd(table, at, cluster_bits) - SECTOR + 1 : offsetAt(table, at) + 1;
    if (end > 1 && end > size) refuse(CUT_SHORT);
  }
}

const offsetAt = (table: Buffer, at: number): number =>
  (table.readUInt32BE(at) & OFFSET_HIGH) * HIGH + ((table.readUInt32BE(at + 4) & ~511) >>> 0);

/** The offset has 62 - (cluster_bits - 8) bits; the number of further sectors stands above it. */
function packedEnd(table: Buffer, at: number, cluster_bits: number): number {
  const high = table.readUInt32BE(at);
  const offsetBits = 62 - (cluster_bits - 8) - 32;
  const offset = (high & (2 ** offsetBits - 1)) * HIGH + table.readUInt32BE(at + 4);
  const sectors = Math.floor((high & (PACKED - 1)) / 2 ** offsetBits) + 1;
  return Math.floor(offset / SECTOR) * SECTOR + sectors * SECTOR;
}
