import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { realExec } from "#shared/ports/exec/real.ts";
import { type ImageBench, openBench, rawDisk } from "./bench.ts";

const GIB = 2 ** 30;

describe("fetching an image", () => {
  let bench: ImageBench;
  beforeEach(async () => {
    bench = await openBench(() => ({ IMAGE_MAX_GIB: 16 / 1024 }));
  });
  afterEach(() => bench.close());

  const cached = () => readdir(bench.cache);
  async function refuses(body: string | Buffer, kind: string, words: RegExp): Promise<void> {
    const url = bench.server.serve("/image.img", { body });
    await assert.rejects(bench.ensure(url), (error: { kind: string; message: string }) => {
      assert.equal(error.kind, kind, error.message);
      assert.match(error.message, words);
      assert.ok(error.message.startsWith(`image ${url}: `), error.message);
      return true;
    });
    assert.deepEqual(await cached(), [], "nothing is left");
    assert.equal(await bench.tools.store.count("image/"), 0);
  }

  it("qcow2: is kept as it is, readable by all", async () => {
    const body = await bench.make("a", "create", "-q", "-f", "qcow2", "a", "1G");
    const url = bench.server.serve("/a.qcow2", { body, headers: { "last-modified": "then" } });
    const image = await bench.ensure(url);
    assert.equal(image.kind, "disk");
    assert.equal(image.format, "qcow2");
    assert.equal(image.virtual_size_bytes, GIB);
    assert.equal(image.path, `${bench.cache}/${createHash("sha256").update(url).digest("hex")}.v001.qcow2`);
    assert.deepEqual(await readFile(image.path), body);
    assert.equal((await stat(image.path)).mode & 0o777, 0o644);
    assert.equal((await stat(bench.cache)).mode & 0o777, 0o755);
    assert.equal(image.record.checksum, null);
    assert.equal(image.record.size, body.length);
    assert.equal(image.record.modified, "then");
    assert.deepEqual(await cached(), [image.record.file]);
    assert.deepEqual(
      bench.events.map(({ operation, phase }) => [operation, phase]),
      [
        ["image requires fetch", null],
        ["fetch image", "start"],
        ["fetch image", "finish"],
      ],
    );
  });

  for (const format of [
    "raw",
    "vdi",
    "vhdx",
    "vpc",
    "vmdk",
    "streamOptimized",
    "gz",
    "gz without the name",
  ]) {
    it(`${format}: becomes qcow2 with the same content (fault 37)`, async () => {
      await writeFile(bench.path("raw"), rawDisk());
      const raw = await readFile(bench.path("raw"));
      const type = format === "streamOptimized" ? ["vmdk", "-o", "subformat=streamOptimized"] : [format];
      const body = format.startsWith("gz")
        ? gzipSync(raw)
        : await bench.make("b", "convert", "-f", "raw", bench.path("raw"), "-O", ...type, "b");
      const image = await bench.ensure(bench.server.serve(format === "gz" ? "/i.gz" : "/i", { body }));
      assert.equal(image.format, "qcow2");
      assert.equal(image.record.size, body.length);
      await realExec.run("qemu-img", ["compare", "-f", "qcow2", "-F", "raw", image.path, bench.path("raw")]);
      assert.ok(bench.events.some((it) => it.operation === "transcode image" && it.phase === "finish"));
    });
  }

  it("ISO 9660: stays as it is and is told to be one", async () => {
    await mkdir(bench.path("tree"));
    await writeFile(bench.path("tree/file"), "content");
    await realExec.run("genisoimage", ["-quiet", "-o", bench.path("iso"), bench.path("tree")]);
    const body = await readFile(bench.path("iso"));
    const image = await bench.ensure(bench.server.serve("/any.name", { body }));
    assert.deepEqual([image.kind, image.format, image.virtual_size_bytes], ["iso", "raw", body.length]);
    assert.match(image.path, /\.v001\.iso$/);
    assert.deepEqual(await readFile(image.path), body);
  });

  it("qcow2 with a backing file: refused", async () => {
    const args = ["-q", "-f", "qcow2", "-u", "-b", "/etc/shadow", "-F", "raw"];
    await refuses(await bench.make("a", "create", ...args, "a", "1M"), "malformed", /backing file/);
  });

  it("qcow2 with a data file: refused", async () => {
    const args = ["-q", "-f", "qcow2", "-o", `data_file=${bench.path("data")}`];
    await refuses(await bench.make("a", "create", ...args, "a", "1M"), "malformed", /data file/);
  });

  it("qcow2 that is encrypted: refused", async () => {
    const secret = [
      "--object",
      "secret,id=s,data=passphrase",
      "-o",
      "encrypt.format=luks,encrypt.key-secret=s",
    ];
    const luks = ["-o", "encrypt.iter-time=10"];
    const body = await bench.make("a", "create", "-q", "-f", "qcow2", ...secret, ...luks, "a", "1M");
    await refuses(body, "malformed", /encrypted/);
  });

  it("vmdk that names other files: refused", async () => {
    await refuses(
      '# Disk DescriptorFile\nRW 2048 FLAT "/etc/shadow" 0\n',
      "malformed",
      /refers to other files/,
    );
    const sparse = await bench.make("a", "create", "-q", "-f", "vmdk", "a", "1M");
    const lying = Buffer.from(sparse);
    lying.writeBigUInt64LE(0n, 12);
    await refuses(lying, "malformed", /other files/);
    const args = ["-q", "-f", "vmdk", "-b", bench.path("a"), "-F", "vmdk"];
    await refuses(await bench.make("c", "create", ...args, "c"), "malformed", /backing file/);
  });

  it("a page, a text, nothing, noise, other packers: refused with the reason", async () => {
    await refuses("<!DOCTYPE html><html>\n<body>Not here</body>", "malformed", /web page/);
    await refuses("", "unreachable", /empty/);
    await refuses(Buffer.alloc(100_000), "malformed", /neither/);
    await refuses(Buffer.from("fd377a585a000000", "hex"), "malformed", /xz/);
    await refuses(gzipSync(gzipSync(rawDisk())), "malformed", /twice/);
    await refuses("name,size\n1,2\n", "malformed", /a text/);
    await refuses(gzipSync("<html>"), "malformed", /web page/);
    await refuses(gzipSync(rawDisk()).subarray(0, 900), "malformed", /unpacked/);
    await refuses(Buffer.from("514649fb00000003", "hex"), "malformed", /cut short/);
  });

  it("too large, packed or not: refused", async () => {
    await refuses(rawDisk(17 * 2 ** 20), "too_large", /larger/);
    await refuses(gzipSync(rawDisk(17 * 2 ** 20)), "too_large", /larger/);
    await writeFile(bench.path("raw"), Buffer.alloc(17 * 2 ** 20, "dense"));
    const packed = ["-O", "vmdk", "-o", "subformat=streamOptimized"];
    const vmdk = await bench.make("c", "convert", "-f", "raw", bench.path("raw"), ...packed, "c");
    assert.ok(vmdk.length < 2 ** 20);
    await refuses(vmdk, "too_large", /converted it is larger/);
  });

  it("404, a cut body, a redirect inside: refused with the reason (fault 37)", async () => {
    const { server, ensure } = bench;
    await assert.rejects(ensure(`${server.url}/none`), { kind: "unreachable", message: /answered 404/ });
    const cut = server.serve("/cut", { body: rawDisk(), fault: "cut" });
    await assert.rejects(ensure(cut), { kind: "unreachable", message: /cut/ });
    const inside = { status: 302, headers: { location: "http://169.254.169.254/latest/meta-data/" } };
    const words = /169\.254.*SHAKENFIST_IMAGE_URL_ALLOW/;
    await assert.rejects(ensure(server.serve("/sly", inside)), { kind: "malformed", message: words });
    await assert.rejects(ensure("http://nosuch..invalid/x"), { message: /Name or service not known/ });
    assert.deepEqual(await cached(), []);
  });

  it("an abort ends it at once and leaves nothing", async () => {
    const url = bench.server.serve("/stall", { body: rawDisk(), fault: "stall" });
    await assert.rejects(bench.ensure(url, AbortSignal.timeout(100)), {
      kind: "unreachable",
      message: /stopped/,
    });
    assert.deepEqual(await cached(), []);
  });
});
