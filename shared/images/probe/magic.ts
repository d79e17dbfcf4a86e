// Marks by which files are told: what is packed, what is refused by name, and what a raw disk may begin with.
import { ascii, type Bytes } from "./bytes.ts";
import type { Packing } from "./formats.ts";

type Mark = readonly [at: number, hex: string];

const hex = (text: string): string => Buffer.from(text, "latin1").toString("hex");

const packings: Readonly<Record<Packing, string>> = {
  gzip: "1f8b",
  xz: "fd377a585a00",
  bzip2: "425a68",
  zstd: "28b52ffd",
};

const UNDERSTOOD = "gzip, xz, bzip2 and zstd are understood";
const INSIDE = "give the disk image inside, alone or packed with gzip, xz, bzip2 or zstd";

/** Formats that are not taken, some because they name other files, some because nobody needs them. */
const refused: readonly [...Mark, why: string][] = [
  [0, hex("LUKS\xba\xbe"), "it is encrypted (LUKS)"],
  [0, hex("COWD"), "it is a part of a VMDK of ESX; export it as a streamOptimized VMDK"],
  [0, "bebafeca00000000", "it is a part of a VMDK of ESX; export it as a streamOptimized VMDK"],
  [0, hex("QED\0"), "it is a QED image; convert it to qcow2"],
  [0, hex("WithoutFreeSpace"), "it is a Parallels image; convert it to qcow2"],
  [0, hex("WithouFreSpacExt"), "it is a Parallels image; convert it to qcow2"],
  [0, hex("Bochs Virtual HD Image"), "it is a Bochs image; convert it to qcow2"],
  [0, hex("#!/bin/sh\n#V2.0 Format"), "it is a cloop image; convert it to qcow2"],
  [0, "504b0304", `it is compressed with zip; ${INSIDE}`],
  [0, "377abcaf271c", `it is compressed with 7z; ${INSIDE}`],
  [0, hex("Rar!"), `it is compressed with rar; ${INSIDE}`],
  [0, "04224d18", `it is compressed with lz4; ${UNDERSTOOD}`],
  [0, hex("LZIP"), `it is compressed with lzip; ${UNDERSTOOD}`],
  [0, "894c5a4f", `it is compressed with lzop; ${UNDERSTOOD}`],
  [0, "5d00008000", `it is compressed with lzma; ${UNDERSTOOD}`],
  [257, hex("ustar"), "it is an archive (tar, or an OVA); give the disk image inside"],
  [0, "7f454c46", "it is a program, not a disk image"],
];

/** Partition tables and file systems: what a disk begins with that is of use to a guest. */
const disks: readonly Mark[] = [
  [510, "55aa"], // a boot sector: MBR, FAT, NTFS, the protective one of GPT
  [512, hex("EFI PART")],
  [4096, hex("EFI PART")],
  [1080, "53ef"], // ext2, 3, 4
  [0, hex("XFSB")],
  [65_600, hex("_BHRfS_M")],
  [1024, "1020f5f2"], // F2FS
  [0, hex("hsqs")], // squashfs
  [1024, "e2e1f5e0"], // erofs
  [512, hex("LABELONE")], // LVM
  [4086, hex("SWAPSPACE2")],
  [512, hex("PM\0\0")], // Apple's partition map
  [512, "57455682"], // a BSD disk label
];

const has = (head: Buffer, at: number, mark: string): boolean =>
  head.length >= at + mark.length / 2 && head.toString("hex", at, at + mark.length / 2) === mark;

export const packingOf = ({ head }: Pick<Bytes, "head">): Packing | undefined =>
  (Object.keys(packings) as Packing[]).find((packing) => has(head, 0, packings[packing]));

/** Why a file is none that is taken; undefined for those that are, and those unknown. */
export function refusalOf({ head, tail }: Bytes): string | undefined {
  if (ascii(tail, 0, 4) === "koly") return "it is an Apple disk image (dmg); convert it to qcow2";
  return refused.find(([at, mark]) => has(head, at, mark))?.[2];
}

/** ISO 9660, also with a boot sector, and plain UDF. */
export const isIso = ({ head }: Bytes): boolean =>
  has(head, 32_769, hex("CD001")) || has(head, 32_769, hex("BEA01"));

export const isDisk = ({ head }: Bytes): boolean => disks.some(([at, mark]) => has(head, at, mark));
