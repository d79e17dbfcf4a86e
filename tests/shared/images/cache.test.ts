import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFile, readdir, rm, truncate, utimes } from "node:fs/promises";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ensureImage } from "#shared/images/cache.ts";
import { type BadRecord, badKey, type ImageRecord, imageKey, imageRef } from "#shared/images/record.ts";
import { viewImage } from "#shared/images/view.ts";
import { put } from "#shared/ports/store/store.ts";
import type { Served } from "../ports/http/server.ts";
import { type ImageBench, openBench, rawDisk } from "./bench.ts";

const first = { body: rawDisk(), headers: { "last-modified": "Mon, 12 Oct 2020 10:00:00 GMT" } };
const second = { body: rawDisk(2 ** 21), headers: { "last-modified": "Tue, 13 Oct 2020 10:00:00 GMT" } };

const page = { body: "<html>moved</html>", headers: { "last-modified": "Wed, 14 Oct 2020 10:00:00 GMT" } };
const digestOf = (algorithm: string, body: Buffer) => createHash(algorithm).update(body).digest("hex");

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

  it("ensureImage: a file that is damaged or was written to is not used, but fetched as a new version", async () => {
    const url = bench.server.serve("/image", first);
    const damages: [string, (path: string) => Promise<void>, RegExp][] = [
      ["cut", (path) => truncate(path, 1000), /has 1000 bytes instead of \d+/],
      ["longer", (path) => appendFile(path, "x"), /bytes instead of/],
      ["touched", (path) => utimes(path, 0, 0), /was written to/],
      ["gone", (path) => rm(path), /is gone/],
    ];
    for (const [version, [, damage, words]] of damages.entries()) {
      const one = await bench.ensure(url);
      assert.equal(one.record.file_version, version + 1);
      await damage(one.path);
      bench.events.length = 0;
      const two = await bench.ensure(url);
      assert.equal(two.record.file_version, version + 2);
      const [told] = bench.events;
      assert.equal(told?.phase, "cached copy not used");
      assert.match(told?.message ?? "", words);
    }
  });

  it("ensureImage: the record is the node's, and the wire shows its size as a string", async () => {
    const url = bench.server.serve("/image", first);
    const { record } = await bench.ensure(url);
    const entry = await bench.tools.store.get(imageKey("node-1", imageRef(url)));
    assert.deepEqual(entry?.value, record);
    assert.deepEqual(viewImage({ image: { ...record, fetched: 1602500000.5 }, in_use: 2 }), {
      url,
      checksum: record.checksum,
      size: "1048576",
      modified: "Mon, 12 Oct 2020 10:00:00 GMT",
      fetched: "Mon, 12 Oct 2020 10:53:20 -0000",
      file_version: 1,
      version: 1,
      ref: imageRef(url),
      node: "node-1",
      ...{ state: "cached", phase: null, done: null, total: null, reason: null },
      format: "qcow2",
      virtual_size: 2 ** 20,
      sha256: null,
      used: new Date((record.used ?? 0) * 1000).toUTCString().replace("GMT", "-0000"),
      in_use: 2,
    });
  });

  it("ensureImage: an image that is older than what a record holds today is used as it is", async () => {
    const url = bench.server.serve("/image", first);
    const { record } = await bench.ensure(url);
    const { file_size: _, file_mtime: __, used: ___, ...old } = record;
    await bench.tools.store.commit([put(imageKey("node-1", imageRef(url)), old)]);
    assert.equal((await bench.ensure(url)).record.file, record.file);
    assert.equal(gets(), 1);
  });

  it("ensureImage: refuses what is neither a URL nor a shorthand", async () => {
    for (const text of ["", "fedora", "/etc/passwd", "file:///etc/passwd", "json:{}", "nbd://127.0.0.1"])
      await assert.rejects(bench.ensure(text), {
        kind: "malformed",
        message: `image '${text}': neither an http or https URL nor one of cirros, ubuntu, debian`,
      });
  });

  it("a checksum that the cached copy has: it is used without asking its server", async () => {
    const url = bench.server.serve("/image", first);
    const wish = (algorithm: string) =>
      bench.ensure(`${url}#${algorithm}:${digestOf(algorithm, first.body).toUpperCase()}`);
    await wish("sha256");
    const one = await wish("md5");
    const asked = bench.server.asked.length;
    for (const algorithm of ["sha256", "md5"]) assert.equal((await wish(algorithm)).path, one.path);
    assert.equal(bench.server.asked.length, asked);
  });

  it("a checksum of a kind that is not known of the cached copy: it is fetched once, and known then", async () => {
    const url = bench.server.serve("/image", first);
    await bench.ensure(url);
    const wish = `${url}#sha512:${digestOf("sha512", first.body)}`;
    assert.equal((await bench.ensure(wish)).record.file_version, 2);
    assert.equal((await bench.ensure(wish)).record.file_version, 2);
    assert.equal(gets(), 2);
  });

  it("a checksum that the cached copy has not: the server's new version is taken if it has it", async () => {
    const url = bench.server.serve("/image", first);
    await bench.ensure(url);
    bench.server.serve("/image", second);
    const two = await bench.ensure(`${url}#sha256:${digestOf("sha256", second.body)}`);
    assert.equal(two.record.file_version, 2);
    assert.match(said().join(), /image requires fetch/);
  });

  it("a checksum that neither has: an error names both, and the cached copy stays for others", async () => {
    const url = bench.server.serve("/image", first);
    const one = await bench.ensure(url);
    const wrong = "0".repeat(64);
    await assert.rejects(
      bench.ensure(`${url}#sha256:${wrong}`),
      (error: { kind: string; message: string }) => {
        assert.equal(error.kind, "malformed");
        assert.ok(error.message.startsWith(`image ${url}: `), error.message);
        for (const digest of [wrong, digestOf("sha256", first.body)])
          assert.ok(error.message.includes(digest), error.message);
        return true;
      },
    );
    assert.equal((await bench.ensure(url)).path, one.path);
    assert.deepEqual(await readdir(bench.cache), [one.record.file]);
  });

  it("wanted with and without a checksum at once: downloaded once", async () => {
    const url = bench.server.serve("/image", first);
    const wish = `${url}#sha256:${digestOf("sha256", first.body)}`;
    const found = await Promise.all([wish, url, wish, url].map((text) => bench.ensure(text)));
    assert.equal(new Set(found.map(({ path }) => path)).size, 1);
    assert.equal(gets(), 1);
  });

  it("a wrong checksum of one user: hinders nobody who wants the image without it", async () => {
    const url = bench.server.serve("/image", first);
    const wrong = `${url}#sha256:${"1".repeat(64)}`;
    await assert.rejects(bench.ensure(wrong), { kind: "malformed" });
    assert.equal((await bench.ensure(url)).record.file_version, 1);
    for (let times = 0; times < 2; times++) await assert.rejects(bench.ensure(wrong), { kind: "malformed" });
    assert.equal(gets(), 3, "what the user wants is refused without a download from then on");
    assert.equal((await bench.ensure(url)).record.file_version, 1);
  });

  it("a bad file: is refused again with its reason, without another download, and leaves nothing", async () => {
    const url = bench.server.serve("/image", page);
    const reasons: string[] = [];
    for (let times = 0; times < 3; times++)
      await bench.ensure(url).catch((error: Error) => reasons.push(error.message));
    assert.match(reasons[0] ?? "", /web page/);
    assert.deepEqual(
      reasons.slice(1),
      Array(2).fill(`${reasons[0]} (its server still offers the same; 'image cache' tries again)`),
    );
    assert.equal(gets(), 1);
    assert.deepEqual(await readdir(bench.cache), []);
    const bad = await bench.tools.store.get<BadRecord>(badKey("node-1", imageRef(url)));
    assert.equal(bad?.value.unlike, null);
  });

  it("a bad file: is tried again when it has changed, when an hour is over, and when that is asked for", async () => {
    const url = bench.server.serve("/image", page);
    const refused = () => assert.rejects(bench.ensure(url), { kind: "malformed", message: /web page/ });
    await refused();
    const anew = ensureImage(bench.tools, url, { record: () => {}, anew: true });
    await assert.rejects(anew, { message: /web page/ });
    assert.equal(gets(), 2);
    const later = { ...bench.tools.clock, now: () => Date.now() / 1000 + 3700 };
    const after = ensureImage({ ...bench.tools, clock: later }, url, { record: () => {} });
    await assert.rejects(after, { message: /web page/ });
    assert.equal(gets(), 3);
    bench.server.serve("/image", first);
    assert.equal((await bench.ensure(url)).record.file_version, 1);
    assert.equal(await bench.tools.store.count("bad_image/"), 0);
  });

  it("a bad new version: the copy of the old one is used, with an event, and not asked for again", async () => {
    const url = bench.server.serve("/image", first);
    const one = await bench.ensure(url);
    bench.server.serve("/image", page);
    for (let times = 0; times < 2; times++) {
      assert.equal((await bench.ensure(url)).path, one.path);
      const last = bench.events.at(-1);
      assert.equal(last?.phase, "cached copy used");
      assert.match(last?.message ?? "", /web page/);
    }
    assert.equal(gets(), 2);
    const kept = await bench.tools.store.get<ImageRecord>(imageKey("node-1", imageRef(url)));
    assert.equal(kept?.value.file, one.record.file);
  });

  it("what is fetched: is seen with its phase while it is, and not afterwards", async () => {
    const url = bench.server.serve("/image?secret", first);
    const seen: unknown[] = [];
    const { mirror } = bench.tools.store;
    mirror.watch("fetch/", ({ after }) => seen.push(after?.value));
    await bench.ensure(url);
    const { started, ...row } = Object(seen[0]);
    assert.ok(Date.now() / 1000 - started < 60);
    const shown = bench.server.url.concat("/image");
    assert.deepEqual(row, {
      ...{ url: shown, ref: imageRef(url), node: "node-1" },
      ...{ phase: "download", done: 0, total: null },
    });
    assert.ok(seen.length < 10, `${seen.length} writes`);
    assert.deepEqual(mirror.list("fetch/"), []);
  });
});
