import assert from "node:assert/strict";
import { open, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { isKind } from "#shared/errors.ts";
import { diskFormat, makeDisk } from "#shared/images/disks.ts";
import { imageInfo } from "#shared/images/qemu-img.ts";
import { realExec } from "#shared/ports/exec/real.ts";
import { openWorkBench, type WorkBench } from "./work-bench.ts";

const MIB = 2 ** 20;

/** Dense enough that half of an image of it lacks data, not only emptiness. */
function dense(bytes: number): Buffer {
  const content = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 3) content[at] = ((at * 2_654_435_761) >>> 13) | 1;
  content.writeUInt16LE(0xaa55, 510);
  return content;
}

const boot = (image: Buffer): Buffer => {
  image.writeUInt16LE(0xaa55, 510);
  return image;
};

/** A file that begins so, and has a boot sector's mark, which is no excuse. */
const beginning = (hex: string, at = 0): Buffer => {
  const image = boot(Buffer.alloc(MIB));
  image.write(hex, at, "hex");
  return image;
};
const words = (text: string, at = 0) => beginning(Buffer.from(text, "latin1").toString("hex"), at);

describe("hostile and damaged content", () => {
  let bench: WorkBench;
  before(async () => {
    bench = await openWorkBench();
    await writeFile(bench.path("raw"), dense(4 * MIB));
  });
  after(() => bench.close());

  async function requireAll(prepared: unknown): Promise<void> {
    assert.ok(
      typeof prepared === "object" && prepared !== null && "virtual_size_bytes" in prepared,
      String(prepared),
    );
    const image = join(bench.work, "image");
    await realExec.run("qemu-img", ["compare", "-f", "qcow2", "-F", "raw", image, bench.path("raw")]);
  }
  async function refuses(body: Buffer | string, why: RegExp): Promise<void> {
    const download = Buffer.from(body);
    await assert.rejects(bench.prepare(download), { name: "CloudError", kind: "malformed", message: why });
    assert.ok(!(await readdir(bench.work)).includes("image"));
  }
  async function refusesUnopened(body: Buffer | string, why: RegExp): Promise<void> {
    await refuses(body, why);
    assert.deepEqual(bench.runs, []);
  }

  const formats: [format: string, ...options: string[]][] = [
    ["qcow2"],
    ["qcow2", "-c"],
    ["vmdk"],
    ["vmdk", "-o", "subformat=streamOptimized"],
    ["vdi"],
    ["vhdx"],
    ["vpc"],
    ["vpc", "-o", "subformat=fixed"],
  ];
  for (const [format, ...options] of formats)
    it(`prepareImage: ${[format, ...options].join(" ")} cut at 90, 50 and 20 %: refused, unless all of its disk is still there`, async () => {
      const whole = await bench.convert(bench.path("raw"), format, ...options);
      for (const part of [0.9, 0.5, 0.2]) {
        const cut = whole.subarray(0, Math.floor((whole.length * part) / 512) * 512);
        const told = await bench.prepare(cut).catch((error) => error);
        if (isKind(told, "malformed")) assert.match(told.message, /cut short|damaged|no good/);
        // A fixed VHD without its footer is a smaller raw disk: nothing in it tells how long it was.
        else if (!options.includes("subformat=fixed")) await requireAll(told);
      }
    });

  it("prepareImage: qcow2 whose tables contradict each other: refused", async () => {
    const good = await bench.convert(bench.path("raw"), "qcow2");
    const l1 = Number(good.readBigUInt64BE(40));
    const l2 = Number(good.readBigUInt64BE(l1) & 0x00ff_ffff_ffff_fe00n);
    const counts = Number(good.readBigUInt64BE(Number(good.readBigUInt64BE(48))));
    const entry = good.readBigUInt64BE(l2);
    const changes: ((image: Buffer) => unknown)[] = [
      (image) => image.writeBigUInt64BE(entry + 2n ** 40n, l2),
      (image) => image.writeBigUInt64BE(entry, l2 + 8),
      (image) => image.writeBigUInt64BE(BigInt(l1) | (1n << 63n), l2),
      (image) => image.writeBigUInt64BE(BigInt(l1) | (1n << 63n), l1),
      (image) => image.writeBigUInt64BE((1n << 62n) - 1n, l2),
      (image) => image.fill(0, counts, counts + 64),
      (image) => image.fill(image.subarray(l1, l1 + 8), l1, l1 + 65_536).writeUInt32BE(8192, 36),
      (image) => image.writeBigUInt64BE(0n, Number(good.readBigUInt64BE(48))),
    ];
    for (const change of changes) {
      const image = Buffer.concat([good, Buffer.alloc(65_536)]);
      change(image);
      await refuses(image, /^it is (damaged|cut short|no good qcow2)/);
    }
  });

  it("prepareImage: files that name others, foreign formats, archives, texts: refused unopened", async () => {
    const vmdk =
      '# Disk DescriptorFile\nversion=1\ncreateType="monolithicFlat"\nRW 2048 FLAT "/etc/shadow" 0\n';
    await refusesUnopened(vmdk, /refers to other files/);
    await refusesUnopened(words(vmdk), /refers to other files/);
    await refusesUnopened(words(`\n\n${vmdk}`), /refers to other files/);
    await refusesUnopened('json:{"driver":"nbd","host":"127.0.0.1","port":"10809"}', /it is a text/);
    await refusesUnopened("nbd://127.0.0.1/export\n", /it is a text/);
    await refusesUnopened("<!DOCTYPE html><html>", /web page/);
    await refusesUnopened("", /it is empty/);
    await refusesUnopened(Buffer.alloc(MIB), /neither a known image format/);
    await refusesUnopened(dense(MIB).fill(1, 510, 512), /neither a known image format/);
    const foreign: [Buffer, RegExp][] = [
      [words("LUKS\xba\xbe\0\x01"), /encrypted \(LUKS\)/],
      [words("COWD"), /VMDK of ESX/],
      [beginning("bebafeca00000000"), /VMDK of ESX/],
      [words("QED\0"), /QED/],
      [words("WithoutFreeSpace"), /Parallels/],
      [words("WithouFreSpacExt"), /Parallels/],
      [words("Bochs Virtual HD Image"), /Bochs/],
      [words("#!/bin/sh\n#V2.0 Format\nmodprobe cloop"), /cloop/],
      [words("koly", MIB - 512), /dmg/],
      [words("PK\x03\x04"), /zip/],
      [beginning("377abcaf271c"), /7z/],
      [words("Rar!"), /rar/],
      [beginning("04224d18"), /lz4/],
      [words("LZIP"), /lzip/],
      [beginning("894c5a4f"), /lzop/],
      [beginning("5d00008000"), /lzma/],
      [words("ustar", 257), /archive/],
      [words("\x7fELF"), /program/],
    ];
    for (const [body, why] of foreign) await refusesUnopened(body, why);
  });

  it("prepareImage: a file that is two formats: one of them alone counts", async () => {
    const both = await bench.create("qcow2", "1M", "-u", "-F", "raw", "-b", "/etc/shadow");
    const iso = Buffer.concat([both, Buffer.alloc(MIB)]);
    iso.write("CD001", 32_769, "latin1");
    await refusesUnopened(boot(iso), /backing file/);
    await refuses(gzipSync(iso), /backing file/);
    await refuses(gzipSync(gzipSync(iso)), /compressed twice/);
    const raw = boot(Buffer.alloc(MIB));
    both.copy(raw, 65_536);
    await bench.prepare(raw);
    assert.match(bench.runs[0] ?? "", /info --output=json -f raw/);
  });

  const disks: [name: string, at: number, hex: string][] = [
    ["boot sector", 510, "55aa"],
    ["GPT", 512, Buffer.from("EFI PART").toString("hex")],
    ["GPT with large sectors", 4096, Buffer.from("EFI PART").toString("hex")],
    ["ext4", 1080, "53ef"],
    ["XFS", 0, Buffer.from("XFSB").toString("hex")],
    ["Btrfs", 65_600, Buffer.from("_BHRfS_M").toString("hex")],
    ["LVM", 512, Buffer.from("LABELONE").toString("hex")],
    ["swap", 4086, Buffer.from("SWAPSPACE2").toString("hex")],
    ["squashfs", 0, Buffer.from("hsqs").toString("hex")],
  ];
  it("prepareImage: raw disks with a known partition table or file system: accepted", async () => {
    for (const [name, at, hex] of disks) {
      const image = Buffer.alloc(128 * 1024);
      image.write(hex, at, "hex");
      const { virtual_size_bytes } = await bench.prepare(image);
      assert.equal(virtual_size_bytes, image.length, name);
    }
  });

  it("a flat disk whose guest writes the header of a qcow2 with a backing file: stays raw", async () => {
    await bench.prepare(dense(MIB));
    const base = {
      path: join(bench.work, "image"),
      format: "qcow2",
      kind: "disk",
      virtual_size_bytes: MIB,
    } as const;
    const plan = { path: bench.path("vda"), size_gib: null, base, disk_format: "flat" } as const;
    await makeDisk(realExec, plan);
    const evil = await bench.create("qcow2", "1M", "-u", "-F", "raw", "-b", "/etc/shadow");
    const disk = await open(plan.path, "r+");
    await disk.write(evil, 0, evil.length, 0);
    await disk.close();
    assert.equal(diskFormat(plan), "raw");
    assert.equal((await imageInfo(realExec, plan.path, diskFormat(plan)))["backing-filename"], undefined);
  });
});
