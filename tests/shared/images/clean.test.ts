import assert from "node:assert/strict";
import { link, mkdir, readdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ensureImage } from "#shared/images/cache.ts";
import { cacheSize, type Needs, removeUnused } from "#shared/images/clean.ts";
import type { ImageRecord } from "#shared/images/record.ts";
import { listDeadWork, removeDeadWork, removeStaleWork } from "#shared/images/work-directory.ts";
import { type ImageBench, openBench, rawDisk } from "./bench.ts";

const MIB = 2 ** 20;
const OLD_S = 86_400;

/** Noise, so that the image is as large as it looks. */
function noisy(seed: number, bytes = MIB): Buffer {
  const disk = rawDisk(bytes);
  for (let at = 1024; at < bytes; at += 4) disk.writeUInt32LE((at * 2654435761 + seed) >>> 0, at);
  return disk;
}

describe("cleaning the image cache", () => {
  let bench: ImageBench;
  beforeEach(async () => {
    bench = await openBench();
  });
  afterEach(() => bench.close());

  const names = async () => (await readdir(bench.cache)).sort();
  const later = () => ({
    ...bench.tools,
    clock: { ...bench.tools.clock, now: () => Date.now() / 1000 + OLD_S },
  });
  const clean = (needs: Partial<Needs> = {}, config: object = {}) => {
    const tools = { ...later(), config: { ...bench.tools.config, ...config } };
    return removeUnused(tools, { files: new Set(), since: Number.POSITIVE_INFINITY, ...needs });
  };

  it("versions: the newest stays, what disks stand on, what was just handed out, and files of others", async () => {
    const make = (seed: number) =>
      bench.ensure(bench.server.serve("/image", { body: noisy(seed, MIB + seed * 512) }));
    const one = await make(1);
    const two = await make(2);
    const three = await make(3);
    await writeFile(join(bench.cache, "notes.txt"), "by hand");
    await writeFile(join(bench.cache, "image.v001.qcow2"), "by hand");
    const now = await removeUnused(bench.tools, { files: new Set(), since: Number.POSITIVE_INFINITY });
    assert.deepEqual(now.removed, [], "all were handed out just now");
    const used = await clean({ since: Date.now() / 1000 - 60 });
    assert.deepEqual(used.removed, [], "handed out since the oldest start began");
    const { removed } = await clean({ files: new Set([one.record.file]) });
    const url = one.record.url;
    assert.deepEqual(removed, [{ file: two.record.file, url, why: "there is a newer version" }]);
    await clean();
    assert.deepEqual(await names(), [three.record.file, "image.v001.qcow2", "notes.txt"].sort());
  });

  it("five images and room for two, one in use: those used last stay, with the one in use", async () => {
    const images: ImageRecord[] = [];
    for (let count = 0; count < 5; count++) {
      const { path, record } = await bench.ensure(
        bench.server.serve(`/image-${count}`, { body: noisy(count) }),
      );
      images.push(record);
      const { mtimeMs } = await stat(path);
      await utimes(path, mtimeMs / 1000 - 1000 * (5 - count), Math.floor(mtimeMs / 1000));
    }
    const each = (await cacheSize(bench.tools)).bytes / 5;
    assert.ok(each >= MIB, String(each));
    const config = { IMAGE_CACHE_GIB: (2.5 * each) / 2 ** 30 };
    const files = new Set([images[1]?.file ?? ""]);
    const { removed, left } = await clean({ files }, config);
    assert.deepEqual(
      removed.map(({ url }) => url),
      [0, 2, 3].map((count) => images[count]?.url),
    );
    assert.match(removed[0]?.why ?? "", /^not used for 2\d h, and the cache was over \S+ GiB$/);
    assert.deepEqual(await names(), [images[1]?.file, images[4]?.file].sort());
    assert.ok(left.bytes <= left.budget_bytes);
    const records = await bench.tools.store.list<ImageRecord>("image/");
    assert.deepEqual(records.map(({ value }) => value.file).sort(), await names());
  });

  it("all in use: nothing is removed, and the size says that it is over", async () => {
    const { record } = await bench.ensure(bench.server.serve("/image", { body: noisy(1) }));
    const config = { IMAGE_CACHE_GIB: 1 / 2 ** 20 };
    const { removed, left } = await clean({ files: new Set([record.file]) }, config);
    assert.deepEqual(removed, []);
    assert.ok(left.bytes > left.budget_bytes);
  });

  it("no limit: an image that nobody uses stays", async () => {
    const { record } = await bench.ensure(bench.server.serve("/image", { body: noisy(1) }));
    assert.deepEqual((await clean({}, { IMAGE_CACHE_GIB: 0 })).removed, []);
    assert.deepEqual(await names(), [record.file]);
  });

  it("removed while it is handed out again and again: whoever asks gets a file that is there", async () => {
    const url = bench.server.serve("/image", { body: noisy(1) });
    for (let times = 0; times < 5; times++) {
      const [{ path }] = await Promise.all([
        ensureImage(later(), url, { record: () => {} }),
        clean({}, { IMAGE_CACHE_GIB: 1 / 2 ** 20 }),
      ]);
      assert.ok((await stat(path)).isFile());
      await utimes(path, 0, Math.floor((await stat(path)).mtimeMs / 1000));
    }
  });

  it("an ISO that a disk shares: the disk keeps it", async () => {
    const body = Buffer.alloc(40_000);
    body.write("CD001", 32_769);
    const { path } = await bench.ensure(bench.server.serve("/disc", { body }));
    await link(path, bench.path("disk"));
    await clean({}, { IMAGE_CACHE_GIB: 1 / 2 ** 20 });
    assert.deepEqual(await names(), []);
    assert.equal((await stat(bench.path("disk"))).size, 40_000);
  });

  it("work of dead processes: is removed, at the start all that there is, and nothing else", async () => {
    assert.deepEqual(await removeStaleWork(bench.tools), []);
    const one = await bench.ensure(bench.server.serve("/image", { body: noisy(1) }));
    const mine = `work-${process.pid}-Ab12Cd`;
    for (const name of ["work-1-Ab12Cd", "work-Ab12Cd", mine]) {
      await mkdir(join(bench.cache, name));
      await writeFile(join(bench.cache, name, "download"), "half");
    }
    const dead = ["work-1-Ab12Cd", "work-Ab12Cd"];
    assert.deepEqual((await listDeadWork(bench.tools)).sort(), dead);
    assert.deepEqual((await removeDeadWork(bench.tools)).sort(), dead);
    assert.deepEqual(await removeStaleWork(bench.tools), [mine]);
    assert.deepEqual(await names(), [one.record.file]);
  });
});
