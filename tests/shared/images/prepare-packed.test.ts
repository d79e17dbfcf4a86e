import assert from "node:assert/strict";
import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { crc32, gzipSync } from "node:zlib";
import { unpack } from "#shared/images/unpack.ts";
import { fakeExec } from "#shared/ports/exec/fake.ts";
import { openWorkBench, packers, pipe, type WorkBench } from "./work-bench.ts";

const MIB = 2 ** 20;

function disk(bytes = MIB): Buffer {
  const content = Buffer.alloc(bytes);
  content.write("content", 8192);
  content.writeUInt16LE(0xaa55, 510);
  return content;
}

function noise(bytes: number): Buffer {
  const content = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at++) content[at] = (at * 2_654_435_761) >>> 13;
  return content;
}

/** Streams of all these formats may follow each other: much nothing is one piece of it many times. */
const repeated = (piece: Buffer, times: number): Buffer => Buffer.concat(Array<Buffer>(times).fill(piece));

describe("packed images", () => {
  let bench: WorkBench;
  before(async () => {
    bench = await openWorkBench();
  });
  after(() => bench.close());

  const unpackable = (why: RegExp) => ({ kind: "malformed", message: why });
  const onDisk = async (name: string) => (await stat(join(bench.work, name))).blocks * 512;

  for (const packer of packers) {
    it(`prepareImage: ${packer}: a bomb of 10 GiB of zeros ends at the cap and takes no room`, async () => {
      const bomb = repeated(await pipe(Buffer.alloc(16 * MIB), packer, "-c"), 640);
      assert.ok(bomb.length < 16 * MIB);
      const config = { IMAGE_MAX_GIB: 1 / 16 };
      await assert.rejects(bench.prepare(bomb, { config }), {
        kind: "too_large",
        message: "unpacked it is larger than 0.0625 GiB",
      });
      assert.ok((await onDisk("unpacked")) < MIB);
      assert.deepEqual((await readdir(bench.work)).sort(), ["download", "unpacked"]);
      assert.ok(bench.runs.every((run) => !run.includes("qemu-img")));
    });

    it(`prepareImage: ${packer}: a bomb that is not of zeros takes no more room than the cap`, async () => {
      const bomb = repeated(await pipe(noise(MIB), packer, "-1", "-c"), 20);
      await assert.rejects(bench.prepare(bomb, { config: { IMAGE_MAX_GIB: 16 / 1024 } }), {
        kind: "too_large",
      });
      assert.ok((await onDisk("unpacked")) <= 16 * MIB);
    });

    it(`prepareImage: ${packer}: a mostly empty disk takes little room`, async () => {
      const zeros = await pipe(Buffer.alloc(16 * MIB), packer, "-c");
      const body = Buffer.concat([await pipe(disk(16 * MIB), packer, "-c"), repeated(zeros, 3)]);
      const { virtual_size_bytes } = await bench.prepare(body);
      assert.equal(virtual_size_bytes, 64 * MIB);
      assert.ok((await onDisk("image")) < MIB);
    });

    it(`prepareImage: ${packer}: cut, damaged or packed twice: refused`, async () => {
      const packed = await pipe(disk(), packer, "-c");
      for (const length of [7, 20, packed.length - 10])
        await assert.rejects(
          bench.prepare(packed.subarray(0, length)),
          unpackable(/^it cannot be unpacked: /),
        );
      const damaged = Buffer.from(packed);
      for (let at = 24; at < 36; at++) damaged[at] = 255 - (damaged[at] ?? 0);
      await assert.rejects(bench.prepare(damaged), unpackable(/^it cannot be unpacked: /));
      await assert.rejects(
        bench.prepare(await pipe(packed, "zstd", "-c")),
        unpackable(/^it is compressed twice$/),
      );
      await assert.rejects(bench.prepare(gzipSync(packed)), unpackable(/^it is compressed twice$/));
    });
  }

  it("prepareImage: gzip with zeros behind it, as tapes have them: accepted", async () => {
    await bench.prepare(Buffer.concat([gzipSync(disk()), Buffer.alloc(4096)]));
  });

  it("prepareImage: xz with a dictionary of 4 GiB, zstd with a window of 2 GiB: refused", async () => {
    const xz = await pipe(disk(), "xz", "-c");
    const header = xz.subarray(12, 12 + ((xz[12] ?? 0) + 1) * 4);
    const property = header.indexOf(Buffer.from([0x21, 1])) + 2;
    header[property] = 40;
    header.writeUInt32LE(crc32(header.subarray(0, -4)), header.length - 4);
    await assert.rejects(
      bench.prepare(xz),
      unpackable(/^it cannot be unpacked: xz: .*[Mm]emory usage limit/),
    );
    const zstd = await pipe(disk(), "zstd", "-c");
    zstd[5] = 21 << 3;
    await assert.rejects(bench.prepare(zstd), unpackable(/^it cannot be unpacked: .*(memory|[Ww]indow)/));
    await bench.prepare(await pipe(disk(), "zstd", "--long=27", "-c"));
  });

  it("prepareImage: what takes too long is no fault of the image", async () => {
    const body = await pipe(disk(), "xz", "-c");
    const late = { kind: "unavailable", message: /not done after/ };
    await assert.rejects(bench.prepare(body, { config: { IMAGE_TIMEOUT: 0.001 } }), late);
  });

  it("unpack: a program that is not installed is no fault of the image", async () => {
    const exec = fakeExec();
    exec.script("prlimit", () => ({ code: 127, stderr: "setpriv: failed to execute xz: No such file" }));
    await writeFile(bench.path("packed"), "packed");
    const unpacking = unpack({ exec }, "xz", bench.path("packed"), bench.path("to"), {
      max_bytes: MIB,
      timeout_ms: 1000,
      signal: new AbortController().signal,
      onRead: () => {},
    });
    await assert.rejects(unpacking, { message: /failed to execute xz/ });
    assert.equal(exec.runs.length, 1);
  });
});
