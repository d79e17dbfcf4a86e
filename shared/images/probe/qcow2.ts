// The header of qcow2 (docs/interop/qcow2.txt of QEMU): alone, sound, and with all its tables inside the file.
import { type Bytes, CUT_SHORT, refuse, refuseIf, requireDiskSize, u64be } from "./bytes.ts";
import type { Limits, Probed } from "./formats.ts";
import { requireClusters } from "./qcow2-clusters.ts";

const DIRTY = 1;
const CORRUPT = 2;
const DATA_FILE = 4;
const EXTENDED_L2 = 16;
const KNOWN_FEATURES = 31;
const MAX_L1_BYTES = 32 * 2 ** 20;
const MAX_REFCOUNT_TABLE_BYTES = 8 * 2 ** 20;
const MAX_SNAPSHOTS = 65_536;

const extensions = { end: 0, encryption: 0x0537be77, data_file: 0x44415441, bitmaps: 0x23852875 };

interface Header {
  version: number;
  length: number;
  cluster_bits: number;
  virtual_size: number;
  l1_entries: number;
  snapshots: number;
  features: number;
}

export async function probeQcow2(bytes: Bytes, limits: Limits): Promise<Probed> {
  const { head } = bytes;
  if (head.length < 104) refuse(CUT_SHORT);
  const header = readHeader(head);
  requireAlone(head, header);
  requireSound(bytes, header);
  const virtual_size_bytes = requireDiskSize(header.virtual_size, limits.max_virtual_bytes);
  const bitmaps = hasBitmaps(head, header);
  await requireClusters(bytes, {
    l1: u64be(head, 40),
    l1_entries: header.l1_entries,
    cluster_bits: header.cluster_bits,
    extended: (header.features & EXTENDED_L2) !== 0,
  });
  return { format: "qcow2", virtual_size_bytes, plain: header.snapshots === 0 && !bitmaps };
}

function readHeader(head: Buffer): Header {
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3) refuse(`it is qcow version ${version}; 2 and 3 are understood`);
  const unknown = version === 3 && (head.readUInt32BE(72) !== 0 || head.readUInt32BE(76) > KNOWN_FEATURES);
  if (unknown) refuse("it has features that are not understood");
  return {
    version,
    length: version === 2 ? 72 : head.readUInt32BE(100),
    cluster_bits: head.readUInt32BE(20),
    virtual_size: u64be(head, 24),
    l1_entries: head.readUInt32BE(36),
    snapshots: head.readUInt32BE(60),
    features: version === 2 ? 0 : head.readUInt32BE(76),
  };
}

function requireAlone(head: Buffer, { version, features }: Header): void {
  const rawData = version === 3 && (head.readUInt32BE(92) & 2) !== 0;
  refuseIf(
    [u64be(head, 8) !== 0 || head.readUInt32BE(16) !== 0, "it has a backing file"],
    [head.readUInt32BE(32) !== 0, "it is encrypted"],
    [(features & DATA_FILE) !== 0 || rawData, "it has an external data file"],
    [(features & CORRUPT) !== 0, "it is marked as corrupt"],
    [(features & DIRTY) !== 0, "it was not closed properly; repair it with qemu-img check -r all"],
  );
}

function requireSound({ head, size }: Bytes, header: Header): void {
  const { length, cluster_bits, features, version } = header;
  const wrong = (what: string) => `its header is not sound: ${what}`;
  refuseIf([cluster_bits < 9 || cluster_bits > 21, wrong(`clusters of 2^${cluster_bits} bytes`)]);
  const cluster = 2 ** cluster_bits;
  const entries = cluster / ((features & EXTENDED_L2) === 0 ? 8 : 16);
  const l1 = u64be(head, 40);
  const refcounts = u64be(head, 48);
  const snapshots = u64be(head, 64);
  const refcountBytes = head.readUInt32BE(56) * cluster;
  refuseIf(
    [version === 3 && (length < 104 || length > cluster || length % 8 !== 0), wrong(`${length} bytes long`)],
    [version === 3 && head.readUInt32BE(96) > 6, wrong("its reference counts are too wide")],
    [header.l1_entries * 8 > MAX_L1_BYTES, wrong("its L1 table is too large")],
    [
      header.l1_entries < Math.ceil(header.virtual_size / (cluster * entries)),
      wrong("its L1 table is too small"),
    ],
    [l1 % cluster !== 0 || (l1 === 0 && header.l1_entries > 0), wrong("where its L1 table is")],
    [refcountBytes === 0 || refcountBytes > MAX_REFCOUNT_TABLE_BYTES, wrong("its refcount table's size")],
    [refcounts === 0 || refcounts % cluster !== 0, wrong("where its refcount table is")],
    [header.snapshots > MAX_SNAPSHOTS, wrong("too many snapshots")],
    [
      header.snapshots > 0 && (snapshots === 0 || snapshots % cluster !== 0),
      wrong("where its snapshots are"),
    ],
    [l1 + header.l1_entries * 8 > size || refcounts >= size, CUT_SHORT],
    [header.snapshots > 0 && snapshots >= size, CUT_SHORT],
  );
}

/** Walks the header's extensions, the first two of which no image may have. */
function hasBitmaps(head: Buffer, { length, cluster_bits }: Header): boolean {
  const end = Math.min(head.length, 2 ** cluster_bits);
  let bitmaps = false;
  for (let at = length; at + 8 <= end; ) {
    const type = head.readUInt32BE(at);
    if (type === extensions.end) break;
    const next = at + 8 + Math.ceil(head.readUInt32BE(at + 4) / 8) * 8;
    refuseIf(
      [type === extensions.encryption, "it is encrypted"],
      [type === extensions.data_file, "it has an external data file"],
      [next > end, "its header is not sound: an extension does not end"],
    );
    bitmaps ||= type === extensions.bitmaps;
    at = next;
  }
  return bitmaps;
}
