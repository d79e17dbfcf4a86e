import assert from "node:assert/strict";
import { mkdir, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { removeUnused } from "#shared/images/clean.ts";
import { imageKey, imageRef } from "#shared/images/record.ts";
import { viewImage } from "#shared/images/view.ts";
import { removeStaleWork } from "#shared/images/work-directory.ts";
import type { Served } from "../ports/http/server.ts";
import { type ImageBench, openBench, rawDisk } from "./bench.ts";

const first = { body: rawDisk(), headers: { "last-modified": "Mon, 12 Oct 2020 10:00:00 GMT" } };
const second = { body: rawDisk(2 ** 21), headers: { "last-modified": "Tue, 13 Oct 2020 10:00:00 GMT" } };

describe("the image cache", () => {
  let bench: ImageBench;
  beforeEach(async () => {
    bench = await openBench();
  });
  afterEach(() => bench.close());

  const gets = () => bench.server.asked.filter(({ method }) => method === "GET").length;
  const said = () => bench.events.map(({ operation, phase }) => `${operation} ${phase}`);

  it("ensureImage: ten at once lead to one download (fault 37)", async () => {
    const url = bench.server.serve("/image", first);
    const found = await Promise.all(Array.from({ length: 10 }, () => bench.ensure(url)));
    assert.equal(new Set(found.map(({ path }) => path)).size, 1);
    assert.equal(gets(), 1);
  });

  it("ensureImage: an unchanged image is not downloaded again (fault 37)", async () => {
    const url = bench.server.serve("/image", first);
    const one = await bench.ensure(url);
    assert.deepEqual(await bench.ensure(url), one);
    assert.equal(gets(), 1);
  });

  it("ensureImage: a changed image becomes the next version, beside the old one", async () => {
    const one = await bench.ensure(bench.server.serve("/image", first));
    bench.events.length = 0;
    const two = await bench.ensure(bench.server.serve("/image", second));
    assert.match(two.path, /\.v002\.qcow2$/);
    assert.equal(two.record.file_version, 2);
    assert.deepEqual((await readdir(bench.cache)).sort(), [one.record.file, two.record.file]);
    assert.match(bench.events[0]?.message ?? "", /Last-Modified: Mon.* -> Tue.*Content-Length/);
  });

  it("ensureImage: a server that is gone or failing leaves the cached copy in use", async () => {
    const url = bench.server.serve("/image", first);
    const one = await bench.ensure(url);
    const faults: Served[] = [{ status: 503 }, { ...second, fault: "cut" }];
    for (const answer of faults) {
      bench.server.serve("/image", answer);
      assert.deepEqual(await bench.ensure(url), one);
      assert.equal(said().at(-1), "fetch image cached copy used");
    }
    await bench.server.close();
    assert.deepEqual(await bench.ensure(url), one);
    assert.match(bench.events.at(-1)?.message ?? "", /Connection refused/);
  });

  it("ensureImage: an image that its server no longer has is refused", async () => {
    const url = bench.server.serve("/image", first);
    await bench.ensure(url);
    bench.server.serve("/image", { status: 404 });
    await assert.rejects(bench.ensure(url), { kind: "unreachable", message: /Failed to fetch HEAD.*404/ });
  });

  it("ensureImage: a server without HEAD is asked conditionally", async () => {
    let current: Served = first;
    const url = bench.server.serve("/image", ({ method, headers }) => {
      if (method === "HEAD") return { status: 405 };
      return headers["if-modified-since"] === current.headers?.["last-modified"] ? { status: 304 } : current;
    });
    const one = await bench.ensure(url);
    assert.deepEqual(await bench.ensure(url), one);
    current = second;
    assert.equal((await bench.ensure(url)).record.file_version, 2);
  });

  it("ensureImage: a lost file is fetched again, a lost record takes no name that is taken", async () => {
    const url = bench.server.serve("/image", first);
    const one = await bench.ensure(url);
    await rm(one.path);
    const two = await bench.ensure(url);
    assert.equal(two.record.file_version, 2);
    await bench.tools.store.clear("image/");
    const three = await bench.ensure(url);
    assert.equal(three.record.file_version, 3);
  });

  it("ensureImage: the record is the node's, and the wire shows its size as a string", async () => {
    const url = bench.server.serve("/image", first);
    const { record } = await bench.ensure(url);
    const entry = await bench.tools.store.get(imageKey("node-1", imageRef(url)));
    assert.deepEqual(entry?.value, record);
    assert.deepEqual(viewImage({ ...record, fetched: 1602500000.5 }), {
      url,
      checksum: record.checksum,
      size: "1048576",
      modified: "Mon, 12 Oct 2020 10:00:00 GMT",
      fetched: "Mon, 12 Oct 2020 10:53:20 -0000",
      file_version: 1,
      version: 1,
      ref: imageRef(url),
      node: "node-1",
    });
  });

  it("ensureImage: refuses what is neither a URL nor a shorthand", async () => {
    for (const text of ["", "debian", "/etc/passwd", "file:///etc/passwd", "json:{}", "nbd://127.0.0.1"])
      await assert.rejects(bench.ensure(text), {
        kind: "malformed",
        message: /neither an http or https URL/,
      });
  });

  it("removeUnused: keeps the newest, what disks stand on, what was just handed out, and foreign files", async () => {
    const one = await bench.ensure(bench.server.serve("/image", first));
    await bench.ensure(bench.server.serve("/image", second));
    const three = await bench.ensure(bench.server.serve("/image", first));
    await writeFile(join(bench.cache, "notes.txt"), "by hand");
    const clean = (...in_use: string[]) => removeUnused(bench.tools, new Set(in_use));
    assert.deepEqual(await clean(), [], "all were handed out just now");
    for (const name of await readdir(bench.cache)) await utimes(join(bench.cache, name), 0, 0);
    assert.deepEqual(await clean(one.path), [three.record.file.replace("v003", "v002")]);
    assert.deepEqual(await clean(), [one.record.file]);
    assert.deepEqual(await readdir(bench.cache).then((names) => names.sort()), [
      three.record.file,
      "notes.txt",
    ]);
  });

  it("removeStaleWork: removes what a dead process left, and nothing else (fault 37)", async () => {
    assert.deepEqual(await removeStaleWork(bench.tools), []);
    const one = await bench.ensure(bench.server.serve("/image", first));
    await mkdir(join(bench.cache, "work-Ab12Cd"));
    await writeFile(join(bench.cache, "work-Ab12Cd", "download"), "half");
    assert.deepEqual(await removeStaleWork(bench.tools), ["work-Ab12Cd"]);
    assert.deepEqual(await readdir(bench.cache), [one.record.file]);
  });
});
