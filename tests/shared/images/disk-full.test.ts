import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readdir } from "node:fs/promises";
import { it } from "node:test";
import { gzipSync } from "node:zlib";
import { makeDisk } from "#shared/images/disks.ts";
import { realExec } from "#shared/ports/exec/real.ts";
import { enterSandbox } from "../../support/sandbox.ts";
import { openBench, rawDisk } from "./bench.ts";

enterSandbox(import.meta.url);

it("a full disk: fetches and disks fail with a clear sentence and leave nothing", async (context) => {
  const storage = "/srv/shakenfist/small";
  await mkdir(storage);
  assert.equal(spawnSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", storage]).status, 0);
  const bench = await openBench(() => ({}), storage);
  context.after(bench.close);
  const { server, ensure, cache } = bench;
  const zeros = rawDisk(2 ** 23);
  const noise = Buffer.concat([rawDisk(2 ** 16), randomBytes(3 * 2 ** 20)]);
  const full = { kind: "insufficient", message: /^image http:.*: no space left on node-1 in / };
  await assert.rejects(ensure(server.serve("/download", { body: zeros })), full);
  await assert.rejects(
    ensure(server.serve("/unpack", { body: gzipSync(zeros.fill("dense", 2 ** 16)) })),
    full,
  );
  await assert.rejects(ensure(server.serve("/convert", { body: noise })), full);
  assert.deepEqual(await readdir(cache), []);

  const { path, ...image } = await ensure(server.serve("/fits", { body: noise.subarray(0, 1.75 * 2 ** 20) }));
  const flat = { size_gib: null, base: { path, ...image }, disk_format: "flat" } as const;
  await makeDisk(realExec, { path: `${storage}/one`, ...flat });
  await assert.rejects(makeDisk(realExec, { path: `${storage}/two`, ...flat }), {
    kind: "insufficient",
    message: /^disk .*two: no space left/,
  });
  assert.deepEqual((await readdir(storage)).sort(), ["image_cache", "one"]);
});
