// Headers of images that somebody made to do harm, or that were damaged: each is a good image with a field or two changed.

/** What the good images are made with: `qemu-img create -f <format> <options> 4M`. */
export const goodImages = {
  qcow2: ["qcow2", "-o", "cluster_size=4096"],
  vmdk: ["vmdk"],
  vdi: ["vdi"],
  vhdx: ["vhdx", "-o", "block_size=1M,log_size=1M"],
  vpc: ["vpc", "-o", "force_size=on"],
  fixed: ["vpc", "-o", "force_size=on,subformat=fixed"],
} as const;

export type Good = keyof typeof goodImages;
/** Changes the image, or answers another. */
type Change = (image: Buffer) => unknown;

export interface Hostile {
  readonly of: Good;
  readonly name: string;
  readonly change: Change;
  readonly why: RegExp;
}

const be32 =
  (at: number, value: number): Change =>
  (image) =>
    void image.writeUInt32BE(value >>> 0, at);
const le32 =
  (at: number, value: number): Change =>
  (image) =>
    void image.writeUInt32LE(value >>> 0, at);
const be64 =
  (at: number, value: bigint | number): Change =>
  (image) =>
    void image.writeBigUInt64BE(BigInt(value), at);
const le64 =
  (at: number, value: bigint | number): Change =>
  (image) =>
    void image.writeBigUInt64LE(BigInt(value), at);
const text =
  (at: number, value: string): Change =>
  (image) =>
    void image.write(value, at, "latin1");
const cut =
  (length: number): Change =>
  (image) =>
    image.subarray(0, length);
const all =
  (...changes: Change[]): Change =>
  (image) =>
    void changes.map((change) => change(image));

const MOST = 2 ** 32 - 1;
const HUGE = [2n ** 41n + 512n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n] as const;

const unsound = /^its header is not sound: /;
const large = /^its disk is larger than 2048 GiB \(SHAKENFIST_IMAGE_MAX_VIRTUAL_GIB\)$/;
const backing = /^it has a backing file$/;
const short = /^it is cut short$/;
const others = /^it refers to other files$/;

type Row = readonly [name: string, change: Change, why: RegExp];
type Values = readonly (number | bigint)[];

const rows = (of: Good, list: readonly Row[]): Hostile[] =>
  list.map(([name, change, why]) => ({ of, name, change, why }));

/** A row for each value of a field. */
const each = <T extends number | bigint>(
  name: string,
  values: readonly T[],
  change: (value: T) => Change,
  why: RegExp,
): Row[] => values.map((value) => [`${name} ${value}`, change(value), why]);

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const n = (values: Values) => values as readonly bigint[];

const bit = (at: number, index: number): Change => be64(at, 1n << BigInt(index));

/** Three TiB, all tables of which are there. */
const enormous: Change = (image) => {
  const copy = Buffer.alloc(8 * 2 ** 20);
  image.copy(copy);
  all(be32(20, 21), be64(24, 3n * 2n ** 40n), be32(36, 6), be64(40, 2n ** 21n), be64(48, 2n ** 22n))(copy);
  return copy;
};

const qcow2 = rows("qcow2", [
  ...each("version", [0, 1, 4, 255, MOST], (it) => be32(4, it), /^it is qcow version /),
  ...each("backing file at", [1, 104, MOST], (it) => be64(8, it), backing),
  ["length of the backing file's name", be32(16, 12), backing],
  ...each("encryption", [1, 2, 3], (it) => be32(32, it), /^it is encrypted$/),
  ...each("cluster bits", [...range(0, 8), ...range(22, 33), 64, MOST], (it) => be32(20, it), unsound),
  ["no size", be64(24, 0), /^its disk has no size$/],
  ...each("size", n(HUGE.slice(1)), (it) => be64(24, it), unsound),
  ["size, with an L1 table to match", enormous, large],
  ...each("L1 entries", [0, 1, 2 ** 22 + 1, MOST], (it) => be32(36, it), unsound),
  ...each("L1 table at", n([0n, 1n, 511n, 4097n, 2n ** 12n + 8n]), (it) => be64(40, it), unsound),
  ...each("L1 table at", n([2n ** 30n, 2n ** 40n, 2n ** 62n]), (it) => be64(40, it), short),
  ...each("refcount table at", n([0n, 1n, 4095n]), (it) => be64(48, it), unsound),
  ...each("refcount table at", n([2n ** 30n, 2n ** 63n]), (it) => be64(48, it), short),
  ...each("clusters of the refcount table", [0, 2049, MOST], (it) => be32(56, it), unsound),
  ...each("snapshots", [65_537, MOST], (it) => be32(60, it), unsound),
  ["a snapshot nowhere", be32(60, 1), unsound],
  ["a snapshot past the end", all(be32(60, 1), be64(64, 2n ** 40n)), short],
  ["dirty", bit(72, 0), /^it was not closed properly/],
  ["corrupt", bit(72, 1), /^it is marked as corrupt$/],
  ["data file", bit(72, 2), /^it has an external data file$/],
  ...each(
    "incompatible feature",
    range(5, 63),
    (it) => bit(72, it),
    /^it has features that are not understood$/,
  ),
  ["raw data file", bit(88, 1), /^it has an external data file$/],
  ...each("reference counts of 2^n bits", [7, 8, 64, MOST], (it) => be32(96, it), unsound),
  ...each("header's length", [0, 8, 72, 103, 105, 4104, MOST], (it) => be32(100, it), unsound),
  ["extension of encryption", all(be32(112, 0x0537be77), be32(116, 16)), /^it is encrypted$/],
  [
    "extension of a data file",
    all(be32(112, 0x44415441), be32(116, 8), text(120, "/etc/pwd")),
    /external data file/,
  ],
  ...each("extension's length", [4096, 2 ** 31, MOST], (it) => all(be32(112, 1), be32(116, it)), unsound),
  ...each("cut to bytes", [4, 72, 103, 4096, 12_288], cut, short),
]);

const descriptor =
  (change: (words: string) => string): Change =>
  (image) => {
    const words = image.toString("latin1", 512, 512 + 20 * 512).replace(/\0+$/, "");
    image.fill(0, 512, 512 + 20 * 512);
    image.write(change(words), 512, "latin1");
  };
const extent = (line: string) => descriptor((words) => words.replace(/^RW .*$/m, line));

const vmdk = rows("vmdk", [
  ["no capacity: a list of names", le64(12, 0), others],
  ...each("capacity", n(HUGE), (it) => le64(12, it), large),
  ...each("version", [0, 4, MOST], (it) => le32(4, it), /^it is vmdk version /),
  ...each("sectors of a grain", n([0n, 3n, 129n, 2n ** 22n, 2n ** 63n]), (it) => le64(20, it), unsound),
  ...each("entries of a table", [0, 513, MOST], (it) => le32(44, it), unsound),
  ["grain directory nowhere", le64(56, 0), unsound],
  ...each("grain directory at", n([2n ** 30n, 2n ** 63n]), (it) => le64(56, it), short),
  ["packed in another way", (image) => void image.writeUInt16LE(2, 77), unsound],
  ...each("sectors of the descriptor", n([2049n, 2n ** 40n]), (it) => le64(36, it), unsound),
  ["parent", descriptor((words) => `${words}\nparentFileNameHint="/etc/shadow"\n`), backing],
  ["parent's mark", descriptor((words) => words.replace(/parentCID=\w+/, "parentCID=12345678")), backing],
  [
    "parent in a second descriptor",
    all(le64(28, 100), le64(36, 1), text(51_200, "parentFileNameHint=x")),
    backing,
  ],
  ["flat extent", extent('RW 8192 FLAT "/etc/shadow" 0'), others],
  ["device", extent('RW 8192 VMFSRAW "/dev/sda"'), others],
  ["two extents", extent('RW 1 SPARSE "a.vmdk"\nRW 1 SPARSE "/etc/shadow"'), others],
  ...["monolithicFlat", "twoGbMaxExtentSparse", "vmfs", "fullDevice", "custom"].map(
    (type): Row => [
      `type ${type}`,
      descriptor((words) => words.replace(/createType="\w+"/, `createType="${type}"`)),
      /^it is a part of a VMDK of type /,
    ],
  ),
  ...each("cut to bytes", [4, 80, 511, 512], cut, short),
]);

const vdi = rows("vdi", [
  ...each("version", [0, 0x10000, 0x20001, MOST], (it) => le32(0x44, it), /^it is vdi version /),
  ...each("type", [3, 4], (it) => le32(0x4c, it), backing),
  ...each("type", [0, 5, MOST], (it) => le32(0x4c, it), unsound),
  ["link to another", le32(0x1a8, 1), backing],
  ["parent", le32(0x1c4, 1), backing],
  ...each("sector", [0, 4096, MOST], (it) => le32(0x168, it), unsound),
  ...each("block", [0, 1, 2 ** 19, 2 ** 31, MOST], (it) => le32(0x178, it), unsound),
  ...each("map at", [0, 1, 511], (it) => le32(0x154, it), unsound),
  ...each("map at", [2 ** 31], (it) => all(le32(0x154, it), le32(0x158, it)), short),
  ["data before the map", le32(0x158, 0), unsound],
  ["no size", le64(0x170, 0), /^its disk has no size$/],
  ...each("size", n(HUGE), (it) => le64(0x170, it), large),
  ["more than its blocks", le64(0x170, 2n ** 30n), unsound],
  ...each("blocks", [0, 1], (it) => le32(0x180, it), unsound),
  ["blocks past the end", all(le32(0x180, MOST), le32(0x184, 0)), short],
  ["more blocks taken than there are", le32(0x184, 5), unsound],
  ["blocks taken past the end", le32(0x184, 4), short],
  ...each("cut to bytes", [80, 511, 512], cut, short),
]);

const vhdx = rows("vhdx", [
  [
    "log to be replayed",
    all(text(65_536 + 48, "a log's mark ..."), text(131_072 + 48, "a log's mark ...")),
    /a log to be replayed/,
  ],
  ["no header in force", all(text(65_536, "daeh"), text(131_072, "daeh")), unsound],
  ["no regions", text(196_608, "iger"), unsound],
  ...each("regions", [0, 2048, 65_535, MOST], (it) => le32(196_608 + 8, it), unsound),
  ["no metadata", metadata((at, image) => text(at, "atadatem")(image)), unsound],
  ...each(
    "items",
    [0, 2048, 65_535],
    (it) => metadata((at, image) => void image.writeUInt16LE(it, at + 10)),
    unsound,
  ),
  ["parent", metadataItem("3767a1ca", (at) => le32(at + 4, 2)), backing],
  ["block of nothing", metadataItem("3767a1ca", (at) => le32(at, 0)), unsound],
  ["block of 3 MiB", metadataItem("3767a1ca", (at) => le32(at, 3 * 2 ** 20)), unsound],
  ["block of 4 GiB", metadataItem("3767a1ca", (at) => le32(at, 2 ** 31)), unsound],
  ["no size", metadataItem("2442a52f", (at) => le64(at, 0)), /^its disk has no size$/],
  ...HUGE.map((it): Row => [`size ${it}`, metadataItem("2442a52f", (at) => le64(at, it)), large]),
  ["size past the end", metadataEntry("2442a52f", (at) => le32(at + 16, MOST)), unsound],
  [
    "locator of a parent",
    metadataEntry("2442a52f", (at) =>
      text(at, "\x2d\x5f\xd3\xa8\x0b\xb3\x4d\x45\xab\xf7\xd3\xd8\x48\x34\xab\x0c"),
    ),
    unsound,
  ],
  [
    "parameters twice",
    metadataEntry("2442a52f", (at) =>
      text(at, "\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b"),
    ),
    unsound,
  ],
  ...each("cut to bytes", [8, 65_536, 131_073, 200_000, 262_144], cut, short),
]);

const summed =
  (at: number, length: number, sumAt: number, change: Change): Change =>
  (image) => {
    const start = at < 0 ? image.length + at : at;
    const part = image.subarray(start, start + length);
    change(part);
    part.writeUInt32BE(0, sumAt);
    part.writeUInt32BE(~part.reduce((sum, byte) => sum + byte, 0) >>> 0, sumAt);
  };
const footer = (change: Change) => summed(0, 512, 64, change);
const second = (change: Change) => summed(512, 1024, 36, change);
const end = (change: Change) => summed(-512, 512, 64, change);

const vpc = rows("vpc", [
  ["difference to another", footer(be32(60, 4)), backing],
  ...each("type", [0, 1, 2, 5, MOST], (it) => footer(be32(60, it)), unsound),
  ["checksum", be32(64, 1), unsound],
  ["no size", footer(be64(48, 0)), /^its disk has no size$/],
  ...each("size", n(HUGE), (it) => footer(be64(48, it)), large),
  ["second header past the end", footer(be64(16, 2n ** 40n)), short],
  ["second header at itself", footer(be64(16, 0)), unsound],
  ["second header's mark", second(text(0, "xxxxxxxx")), unsound],
  ["second header's checksum", be32(512 + 36, 1), unsound],
  ...each("block", [0, 512, 3 * 2 ** 20, MOST], (it) => second(be32(32, it)), unsound),
  ...each("blocks", [0, 1], (it) => second(be32(28, it)), unsound),
  ...each("blocks", [2 ** 20, MOST], (it) => second(be32(28, it)), short),
  ...each("map at", n([2n ** 30n, 2n ** 63n]), (it) => second(be64(16, it)), short),
  ...each("block at sector", [2 ** 20, MOST - 1], (it) => be32(1536, it), short),
  ...each("cut to bytes", [100, 511, 1024, 1536], cut, short),
]);

const fixed = rows("fixed", [
  ["difference to another", end(be32(60, 4)), backing],
  ...each("type", [0, 3, MOST], (it) => end(be32(60, it)), unsound),
  ...each("size", n(HUGE), (it) => end(be64(48, it)), large),
  ["more than there is", end(be64(48, 2n ** 30n)), short],
]);

function metadata(change: (at: number, image: Buffer) => void): Change {
  return (image) => change(metadataAt(image), image);
}

/** Where the entry is that begins with these bytes of its identifier. */
function metadataEntry(id: string, change: (at: number) => Change): Change {
  return (image) => change(image.indexOf(Buffer.from(id, "hex"), metadataAt(image)))(image);
}

function metadataItem(id: string, change: (at: number) => Change): Change {
  return (image) => {
    const entry = image.indexOf(Buffer.from(id, "hex"), metadataAt(image));
    return change(metadataAt(image) + image.readUInt32LE(entry + 16))(image);
  };
}

function metadataAt(image: Buffer): number {
  const entry = image.indexOf(Buffer.from("06a27c8b", "hex"), 196_608);
  return Number(image.readBigUInt64LE(entry + 16));
}

export const hostileHeaders: readonly Hostile[] = [...qcow2, ...vmdk, ...vdi, ...vhdx, ...vpc, ...fixed];
