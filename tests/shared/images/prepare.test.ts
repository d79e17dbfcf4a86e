import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { realExec } from "#shared/ports/exec/real.ts";
import { eventually } from "../../support/await.ts";
import { openWorkBench, packers, pipe, type WorkBench } from "./work-bench.ts";

const MIB = 2 ** 20;

/** Formats and what they are made with; VHDs are made with the size that was asked for, not one of cylinders. */
const images: [format: string, ...options: string[]][] = [
  ["raw"],
  ["qcow2"],
  ["qcow2", "-o", "compat=0.10"],
  ["qcow2", "-c"],
  ["qcow2", "-c", "-o", "compression_type=zstd"],
  ["qcow2", "-o", "cluster_size=512"],
  ["qcow2", "-o", "cluster_size=2M"],
  ["qcow2", "-o", "extended_l2=on,refcount_bits=64"],
  ["vmdk"],
  ["vmdk", "-o", "subformat=streamOptimized"],
  ["vdi"],
  ["vdi", "-o", "static=on"],
  ["vhdx"],
  ["vhdx", "-o", "subformat=fixed"],
  ["vpc", "-o", "force_size=on"],
  ["vpc", "-o", "force_size=on,subformat=fixed"],
];

/** A boot sector, some text, something dense, and much nothing. */
function disk(bytes = 3 * MIB): Buffer {
  const content = Buffer.alloc(bytes);
  content.writeUInt16LE(0xaa55, 510);
  content.write("content", 700_000);
  for (let at = MIB; at < MIB + 300_000; at++) content[at] = (at * 2_654_435_761) >>> 13;
  return content;
}

describe("preparing an image", () => {
  let bench: WorkBench;
  before(async () => {
    bench = await openWorkBench();
    await writeFile(bench.path("raw"), disk());
  });
  after(() => bench.close());

  const image = () => join(bench.work, "image");
  const sameAs = (raw: string) =>
    realExec.run("qemu-img", ["compare", "-f", "qcow2", "-F", "raw", image(), raw]);

  for (const [format, ...options] of images)
    it(`prepareImage: ${[format, ...options].join(" ")}, as it is and packed: comes out as clean qcow2 with the same content`, async () => {
      const plain = await bench.convert(bench.path("raw"), format, ...options);
      for (const packer of [undefined, ...packers]) {
        const parts: number[] = [];
        const progress = (_: string, done: number, total: number | null) =>
          void parts.push(done / (total ?? 0));
        const body = packer === undefined ? plain : await pipe(plain, packer, "-c");
        const prepared = await bench.prepare(body, { progress });
        assert.deepEqual(prepared, { format: "qcow2", kind: "disk", virtual_size_bytes: 3 * MIB });
        await sameAs(bench.path("raw"));
        assert.deepEqual(await readdir(bench.work), ["image"]);
        const { mode, uid } = await stat(image());
        assert.deepEqual([mode & 0o777, uid], [0o644, 0]);
        const unchanged = format === "qcow2" && packer === undefined;
        const events = unchanged ? [] : ["transcode image start", "transcode image finish"];
        assert.deepEqual(bench.events, events);
        assert.equal(parts.at(-1), unchanged ? undefined : 1);
        assert.deepEqual(
          parts,
          parts.toSorted((one, other) => one - other),
        );
        if (format === "qcow2") assert.deepEqual(await readFile(image()), plain);
      }
    });

  it("prepareImage: qcow2 with snapshots or bitmaps: only the disk's content is kept", async () => {
    await bench.convert(bench.path("raw"), "qcow2").then((body) => writeFile(bench.path("a"), body));
    await realExec.run("qemu-img", ["snapshot", "-c", "one", bench.path("a")]);
    await bench.prepare(await readFile(bench.path("a")));
    await sameAs(bench.path("raw"));
    const { stdout } = await realExec.run("qemu-img", ["info", "--output=json", "-f", "qcow2", image()]);
    assert.doesNotMatch(stdout, /snapshots|one/);
    await realExec.run("qemu-img", ["snapshot", "-d", "one", bench.path("a")]);
    await realExec.run("qemu-img", ["bitmap", "--add", bench.path("a"), "two"]);
    await bench.prepare(await readFile(bench.path("a")));
    await sameAs(bench.path("raw"));
    assert.doesNotMatch((await readFile(image())).toString("latin1"), /two/);
  });

  it("prepareImage: ISO 9660, also with a boot sector: is an ISO, as it is", async () => {
    await mkdir(bench.path("tree"));
    await writeFile(bench.path("tree/file"), "content");
    await realExec.run("genisoimage", ["-quiet", "-o", bench.path("iso"), bench.path("tree")]);
    const iso = await readFile(bench.path("iso"));
    const hybrid = Buffer.from(iso);
    hybrid.writeUInt16LE(0xaa55, 510);
    for (const body of [iso, hybrid]) {
      const prepared = await bench.prepare(await pipe(body, "xz", "-c"));
      assert.deepEqual(prepared, { format: "raw", kind: "iso", virtual_size_bytes: iso.length });
      assert.deepEqual(await readFile(image()), body);
      assert.deepEqual(await bench.prepare(body), prepared);
      assert.deepEqual(bench.runs, []);
    }
  });

  it("prepareImage: programs are told the format, and run as nobody, bounded and without network", async () => {
    await bench.prepare(await pipe(disk(), "zstd", "-c"));
    const [unpack, info, convert, result] = bench.runs;
    const confined =
      /^prlimit --as=\d+ --cpu=\d+ --fsize=\d+ --core=0 -- unshare --net --pid --fork --kill-child -- setpriv --reuid=65534 .*--no-new-privs .*--reset-env -- /;
    for (const run of bench.runs) assert.match(run, confined);
    assert.match(unpack ?? "", / zstd --decompress --stdout --memory=512MB$/);
    assert.match(info ?? "", / qemu-img info --output=json -f raw unpacked$/);
    assert.match(convert ?? "", / qemu-img convert -p -f raw -O qcow2 unpacked out\/image$/);
    assert.match(result ?? "", / qemu-img info --output=json -f qcow2 image$/);
    assert.equal(bench.runs.length, 4);
  });

  it("prepareImage: an abort ends unpacking and converting at once, with all programs", async () => {
    const large = disk(8 * MIB);
    const packed = await Promise.all(packers.map((packer) => pipe(large, packer, "-1", "-c")));
    for (const body of [large, ...packed]) {
      const controller = new AbortController();
      const progress = () => controller.abort();
      await assert.rejects(bench.prepare(body, { signal: controller.signal, progress }), {
        kind: "unavailable",
        message: /stopped before it was (done|unpacked)$/,
      });
      await eventually("the end of all programs", 20_000, async () =>
        (await bench.running()).length === 0 ? true : undefined,
      );
    }
  });
});
