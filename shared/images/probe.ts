// What a downloaded file is, told from its content alone. Decided here once, before any program opens the file; every later
// program is given the answer. Rejects with CloudError "malformed" or "too_large" for what is no image that can be used.
import { ascii, refuse, withBytes } from "./probe/bytes.ts";
import type { Limits, Packing, Probed } from "./probe/formats.ts";
import { isDisk, isIso, packingOf, refusalOf } from "./probe/magic.ts";
import { probeQcow2 } from "./probe/qcow2.ts";
import { probeVdi } from "./probe/vdi.ts";
import { probeVhdx } from "./probe/vhdx.ts";
import { probeVmdk } from "./probe/vmdk.ts";
import { isVpcFooter, probeVpc } from "./probe/vpc.ts";

/** The program or the algorithm that the file is packed with. */
export function probePacking(file: string): Promise<Packing | undefined> {
  return withBytes(file, packingOf);
}

/** A file that could be read as two formats is the first of this order, or refused. */
export function probeImage(file: string, limits: Limits): Promise<Probed> {
  return withBytes(file, async (bytes) => {
    const { head, size } = bytes;
    if (size === 0) refuse("it is empty");
    if (packingOf(bytes) !== undefined) refuse("it is compressed twice");
    const refusal = refusalOf(bytes);
    if (refusal !== undefined) refuse(refusal);
    if (ascii(head, 0, 4) === "QFI\xfb") return probeQcow2(bytes, limits);
    if (ascii(head, 0, 4) === "KDMV") return probeVmdk(bytes, limits);
    if (ascii(head, 0, 8) === "vhdxfile") return probeVhdx(bytes, limits);
    if (ascii(head, 0, 8) === "conectix" || isVpcFooter(bytes.tail)) return probeVpc(bytes, limits);
    if (head.length >= 68 && head.readUInt32LE(64) === 0xbeda107f) return probeVdi(bytes, limits);
    if (isIso(bytes)) return { format: "iso", virtual_size_bytes: size, plain: true };
    if (ascii(head, 0, 512).includes("# Disk DescriptorFile"))
      refuse("it refers to other files (a VMDK descriptor)");
    if (isDisk(bytes)) return { format: "raw", virtual_size_bytes: size, plain: false };
    if (isText(head)) return refuse(describeText(head));
    return refuse(
      "it is neither a known image format nor an ISO 9660 image, and begins with no known partition table or file system",
    );
  });
}

function isText(head: Buffer): boolean {
  return !head.subarray(0, 512).some((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27));
}

function describeText(head: Buffer): string {
  const text = ascii(head, 0, 512);
  if (/<html|<!doctype/i.test(text)) return "it is a web page, not a disk image";
  return "it is a text, not a disk image";
}
