import assert from "node:assert/strict";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { CachedImage } from "#shared/images/cache.ts";
import { type DiskPlan, diskFormat, makeDisk } from "#shared/images/disks.ts";
import { imageInfo } from "#shared/images/qemu-img.ts";
import { realExec } from "#shared/ports/exec/real.ts";
import { type ImageBench, openBench, rawDisk } from "./bench.ts";

const GIB = 2 ** 30;

describe("disks", () => {
  let bench: ImageBench;
  let base: CachedImage;
  beforeEach(async () => {
    bench = await openBench();
    base = await bench.ensure(bench.server.serve("/image", { body: rawDisk() }));
  });
  afterEach(() => bench.close());

  const formats = ["qcow", "qcow_flat", "flat"] as const;
  async function make(plan: Omit<DiskPlan, "path">): Promise<string> {
    const path = bench.path("vda");
    await makeDisk(realExec, { path, ...plan });
    assert.ok(!(await readdir(bench.directory)).includes("vda.tmp"));
    return path;
  }

  for (const disk_format of formats) {
    it(`makeDisk: ${disk_format}: a disk on a base has its content and the size asked for`, async () => {
      const plan = { size_gib: 2, base, disk_format };
      const path = await make(plan);
      const format = diskFormat(plan);
      const info = await imageInfo(realExec, path, format);
      assert.equal(info["virtual-size"], 2 * GIB);
      assert.equal(info["backing-filename"], disk_format === "qcow" ? base.path : undefined);
      await realExec.run("qemu-img", ["compare", "-f", format, "-F", "qcow2", path, base.path]);
      assert.equal((await stat(path)).mode & 0o777, 0o600);
    });

    it(`makeDisk: ${disk_format}: a blank disk has the format it is said to have (fault 63)`, async () => {
      const plan = { size_gib: 1, disk_format };
      const path = await make(plan);
      assert.equal((await imageInfo(realExec, path, diskFormat(plan)))["virtual-size"], GIB);
    });

    it(`makeDisk: ${disk_format}: without a size it is as large as its base`, async () => {
      const path = await make({ size_gib: null, base, disk_format });
      const info = await imageInfo(realExec, path, diskFormat({ base, disk_format }));
      assert.equal(info["virtual-size"], base.virtual_size_bytes);
    });
  }

  it("makeDisk: a finished disk is kept, an unfinished one replaced", async () => {
    await writeFile(bench.path("vda.tmp"), "half");
    const path = await make({ size_gib: 1, disk_format: "qcow" });
    const before = await stat(path);
    await make({ size_gib: 1, disk_format: "qcow" });
    assert.equal((await stat(path)).ino, before.ino);
  });

  it("makeDisk: names the backing file's format (fault 42)", async () => {
    const path = await make({ size_gib: 1, base, disk_format: "qcow" });
    const { stdout } = await realExec.run("qemu-img", ["info", "--output=json", path]);
    assert.match(stdout, /"backing-filename-format": "qcow2"/);
  });

  it("makeDisk: refuses less than the image needs, naming both sizes", async () => {
    const large = { ...base, virtual_size_bytes: 2.25 * GIB };
    await assert.rejects(make({ size_gib: 2, base: large, disk_format: "qcow" }), {
      kind: "malformed",
      message: "disk of 2 GiB: its image needs 2.25 GiB",
    });
    await assert.rejects(make({ size_gib: null, disk_format: "qcow" }), { kind: "malformed" });
  });

  it("makeDisk: an ISO is taken as it is", async () => {
    await writeFile(bench.path("iso"), "an iso");
    const iso = { path: bench.path("iso"), format: "raw", kind: "iso", virtual_size_bytes: 6 } as const;
    const path = await make({ size_gib: null, base: iso, disk_format: "qcow" });
    assert.equal(await readFile(path, "utf8"), "an iso");
    assert.equal(diskFormat({ base: iso, disk_format: "qcow" }), "raw");
  });
});
