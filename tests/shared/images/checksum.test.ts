import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, it } from "node:test";
import { parseChecksum, publishedSum, requireSum } from "#shared/images/checksum.ts";
import type { Downloaded } from "#shared/images/download.ts";
import type { Source } from "#shared/images/source.ts";
import { type ImageBench, openBench } from "./bench.ts";

const digest = (algorithm: string, text: string) => createHash(algorithm).update(text).digest("hex");
const hex = (length: number, digit = "a") => digit.repeat(length);
const signal = new AbortController().signal;

describe("parseChecksum", () => {
  it("parseChecksum: takes each algorithm, in any case", () => {
    assert.deepEqual(parseChecksum(`sha256:${hex(64)}`), { algorithm: "sha256", digest: hex(64) });
    assert.deepEqual(parseChecksum(` SHA512:${hex(128, "F")} `), {
      algorithm: "sha512",
      digest: hex(128, "f"),
    });
    assert.deepEqual(parseChecksum(`md5:${hex(32)}`), { algorithm: "md5", digest: hex(32) });
  });

  it("parseChecksum: says of anything else what it should be", () => {
    const form = /must be sha256:<hex>, sha512:<hex> or md5:<hex>, in hexadecimal digits$/;
    for (const text of ["", "abc", hex(64), "sha1:abc", "sha256:", "sha256:xyz", "sha256=aa", "toString:aa"])
      assert.throws(() => parseChecksum(text), { kind: "malformed", message: form }, text);
    assert.throws(() => parseChecksum(`sha256:${hex(63)}`), {
      kind: "malformed",
      message: `checksum 'sha256:${hex(63)}': sha256 has 64 hexadecimal digits, not 63`,
    });
  });
});

describe("checksums of publishers", () => {
  let bench: ImageBench;
  beforeEach(async () => {
    bench = await openBench();
  });
  afterEach(() => bench.close());

  const find = (more: Partial<Source> = {}) =>
    publishedSum(
      bench.tools,
      { url: `${bench.server.url}/a/disk%2B1.img?token=x`, sums: "required", ...more },
      { signal },
    );
  const serve = (name: string, text: string) => bench.server.serve(`/a/${name}`, { body: text });

  it("publishedSum: reads the forms of GNU and BSD", async () => {
    for (const line of [
      `${hex(64)}  disk+1.img`,
      `${hex(64)} *disk+1.img`,
      `${hex(64, "A")} *./disk%2B1.img\r`,
      `SHA256 (disk+1.img) = ${hex(64)}`,
    ]) {
      serve("SHA256SUMS", `# a comment\n${hex(64, "b")} *disk+1.img.sig\n${line}\n`);
      assert.deepEqual(await find(), { name: "SHA256SUMS", algorithm: "sha256", digest: hex(64) }, line);
    }
  });

  it("publishedSum: takes the first file that has the image, in the order of the source", async () => {
    serve("SHA256SUMS", `${hex(64)} *another.img\n${hex(32)} *disk+1.img\n`);
    serve("SHA512SUMS", `${hex(128)} *disk+1.img\n`);
    serve("MD5SUMS", `${hex(32)} *disk+1.img\n`);
    assert.equal((await find())?.name, "SHA512SUMS");
    assert.equal((await find({ sum_files: ["MD5SUMS", "SHA512SUMS"] }))?.name, "MD5SUMS");
  });

  it("publishedSum: follows a redirect, and asks a server that stumbles again", async () => {
    bench.server.serve("/a/SHA256SUMS", { status: 302, headers: { location: "/b" } });
    let asked = 0;
    bench.server.serve("/b", () => (asked++ === 0 ? { status: 503 } : { body: `${hex(64)} *disk+1.img\n` }));
    assert.equal((await find())?.digest, hex(64));
    assert.equal(asked, 2);
  });

  it("publishedSum: none is an error only where one is required, and a fallback is never a failure's", async () => {
    await assert.rejects(find(), {
      kind: "unreachable",
      message: "no checksum of disk%2B1.img in SHA256SUMS, SHA512SUMS, MD5SUMS",
    });
    assert.equal(await find({ sums: "optional" }), undefined);
    bench.server.serve("/a/SHA256SUMS", { status: 500 });
    serve("MD5SUMS", `${hex(32)} *disk+1.img\n`);
    await assert.rejects(find(), { kind: "unreachable", message: /SHA256SUMS: the server answered 500/ });
    assert.equal(await find({ sums: "optional" }), undefined);
  });

  it("publishedSum: none is asked for where none is wanted", async () => {
    assert.equal(await find({ sums: "none" }), undefined);
    assert.equal(bench.server.asked.length, 0);
  });

  it("requireSum: compares with what was given and with what is published, with progress", async () => {
    const file = bench.path("download");
    await writeFile(file, "content");
    const url = `${bench.server.url}/a/x.img`;
    const downloaded: Downloaded = {
      ...{ status: 200, file, bytes: 7, headers: {} },
      digests: { md5: digest("md5", "content") },
    };
    serve("SHA512SUMS", `${digest("sha512", "content")} *x.img\n`);
    const told: unknown[][] = [];
    const progress = (...phase: unknown[]) => void told.push(phase);
    const checksum = { algorithm: "md5", digest: digest("md5", "content") } as const;
    await requireSum(bench.tools, { url, sums: "required", checksum }, downloaded, { signal, progress });
    assert.deepEqual(
      [told[0], told.at(-1)],
      [
        ["verify", 0, 7],
        ["verify", 7, 7],
      ],
    );
    serve("SHA512SUMS", `${hex(128)} *x.img\n`);
    await assert.rejects(requireSum(bench.tools, { url, sums: "optional" }, downloaded, { signal }), {
      kind: "malformed",
      message: `its SHA512 is ${digest("sha512", "content")}, but SHA512SUMS has ${hex(128)}`,
    });
  });
});
