// What every Http does, whichever it is.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type DownloadOptions, type Http, isLasting, resumePoint } from "#shared/ports/http/http.ts";
import type { Asked, Served } from "./server.ts";

/** The thing under test and the servers it may reach; 127.0.0.0/8 is allowed to it. */
export interface HttpUnderTest {
  http: Http;
  serve(path: string, answer: Served | ((asked: Pick<Asked, "headers">) => Served)): string;
  requests(): { method: string; headers: Readonly<Record<string, unknown>> }[];
  close(): Promise<void>;
}

const digest = (algorithm: string, body: Buffer) => createHash(algorithm).update(body).digest("hex");

export function testHttp(name: string, open: () => Promise<HttpUnderTest>): void {
  describe(name, () => {
    let it_: HttpUnderTest;
    let directory: string;
    const file = () => join(directory, "file");
    const limits: DownloadOptions = { max_bytes: 1_000_000, timeout_ms: 5_000, idle_ms: 5_000 };
    const download = (url: string, options: Partial<DownloadOptions> = {}) =>
      it_.http.download(url, file(), { ...limits, ...options });
    async function refuses(work: Promise<unknown>, kind: string, words: RegExp): Promise<void> {
      await assert.rejects(work, (error: { kind: string; message: string }) => {
        assert.equal(error.kind, kind, error.message);
        assert.match(error.message, words);
        return true;
      });
      assert.equal(existsSync(file()), false, "nothing was written");
    }
    /** What arrived before it broke stays. */
    async function breaks(work: Promise<unknown>, kind: string, words: RegExp): Promise<void> {
      await assert.rejects(work, (error: { kind: string; message: string }) => {
        assert.equal(error.kind, kind, error.message);
        assert.match(error.message, words);
        return true;
      });
      await rm(file(), { force: true });
    }

    before(async () => {
      it_ = await open();
      directory = await mkdtemp(join(tmpdir(), "sf-http-"));
    });
    after(async () => {
      await it_.close();
      await rm(directory, { recursive: true });
    });

    it("download: writes the body and tells its size and digests", async () => {
      const body = Buffer.alloc(300_000, "abc");
      const url = it_.serve("/body", { body, headers: { "Last-Modified": "yesterday" } });
      const told: [number, number | null][] = [];
      const found = await download(url, {
        digests: ["md5", "sha256"],
        progress: (bytes, total) => void told.push([bytes, total]),
      });
      assert.equal(found.status, 200);
      assert.equal(found.bytes, body.length);
      assert.equal(found.resumed, false);
      assert.deepEqual(found.digests, { md5: digest("md5", body), sha256: digest("sha256", body) });
      assert.deepEqual(told.at(-1), [body.length, body.length]);
      assert.equal(found.headers["last-modified"], "yesterday");
      assert.deepEqual(await readFile(file()), body);
      assert.equal((await stat(file())).mode & 0o777, 0o644);
      await rm(file());
    });

    it("download: answers another status than 200 and writes nothing", async () => {
      for (const status of [204, 304, 404, 500]) {
        const found = await download(it_.serve("/status", { status, body: status === 304 ? "" : "text" }));
        assert.equal(found.status, status);
        assert.equal(found.bytes, 0);
        assert.equal(existsSync(file()), false);
      }
    });

    it("download: sends the headers it is given", async () => {
      await download(it_.serve("/tagged", { status: 304 }), { headers: { "if-none-match": '"x"' } });
      assert.equal(it_.requests().at(-1)?.headers["if-none-match"], '"x"');
    });

    it("head: answers status and headers without a body", async () => {
      const url = it_.serve("/head", { body: "12345", headers: { etag: '"1"' } });
      const found = await it_.http.head(url, { timeout_ms: 5_000 });
      assert.equal(found.status, 200);
      assert.equal(found.headers.etag, '"1"');
      assert.equal(found.headers["content-length"], "5");
      assert.equal(it_.requests().at(-1)?.method, "HEAD");
    });

    it("download: follows five redirects and no sixth", async () => {
      const end = it_.serve("/hop0", { body: "end" });
      for (let hop = 1; hop <= 6; hop++)
        it_.serve(`/hop${hop}`, { status: 302, headers: { location: `/hop${hop - 1}` } });
      assert.equal((await download(end.replace("hop0", "hop5"))).bytes, 3);
      await rm(file());
      await refuses(download(end.replace("hop0", "hop6")), "unreachable", /redirects/);
    });

    it("download: refuses what is not http or https, also as a redirect", async () => {
      for (const url of ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "no url", ""])
        await refuses(download(url), "malformed", /not an http or https URL/);
      const sly = it_.serve("/sly", { status: 301, headers: { location: "file:///etc/passwd" } });
      await refuses(download(sly), "malformed", /not an http or https URL/);
    });

    it("download: refuses internal addresses, also as a redirect (fault 8)", async () => {
      for (const host of [
        "169.254.169.254",
        "10.1.2.3",
        "0.0.0.0",
        "[::1]",
        "[::ffff:10.1.2.3]",
        "[fe80::1]",
      ]) {
        await refuses(download(`http://${host}/`), "malformed", /SHAKENFIST_IMAGE_URL_ALLOW/);
        const sly = it_.serve("/sly", { status: 307, headers: { location: `http://${host}/` } });
        await refuses(download(sly), "malformed", /SHAKENFIST_IMAGE_URL_ALLOW/);
      }
    });

    it("download: refuses more than max_bytes, by length and by counting", async () => {
      const body = Buffer.alloc(200_000);
      for (const chunked of [false, true]) {
        const url = it_.serve("/large", { body, chunked });
        await breaks(download(url, { max_bytes: 199_999 }), "too_large", /larger than 199999 bytes/);
        assert.equal((await download(url, { max_bytes: 200_000 })).bytes, 200_000);
        await rm(file());
      }
    });

    it("download: a body that ends early is an error", async () => {
      const url = it_.serve("/cut", { body: Buffer.alloc(200_000), fault: "cut" });
      await breaks(download(url), "unreachable", /cut/);
    });

    const whole = randomBytes(3_000_001);
    /** Cuts the first transfer half way, and then answers a request for the rest as it is told to. */
    function serveInTwo(first: Record<string, string>, rest: (from: number) => Served): string {
      return it_.serve("/two", ({ headers }) => {
        const from = /^bytes=(\d+)-$/.exec(String(headers.range))?.[1];
        if (from === undefined) return { body: whole, headers: first, fault: "cut" };
        return rest(Number(from));
      });
    }
    const range = (from: number, total = whole.length) => `bytes ${from}-${total - 1}/${total}`;
    const large = { max_bytes: 10_000_000, digests: ["md5", "sha256", "sha512"] as const };
    async function downloadInTwo(url: string) {
      const error = await download(url, large).catch((it: unknown) => it);
      const from = resumePoint(error) ?? undefined;
      assert.ok(from !== undefined && from.bytes > 0, "it can go on");
      assert.equal(isLasting(error), false);
      return { from, ...(await download(url, { ...large, from })) };
    }

    it("download: goes on where it broke, and digests the whole", async () => {
      for (const headers of [{ etag: '"1"' }, { "last-modified": "Mon, 01 Jan 2024 00:00:00 GMT" }]) {
        const url = serveInTwo(headers, (from) => ({
          status: 206,
          headers: { ...headers, "content-range": range(from) },
          body: whole.subarray(from),
        }));
        const found = await downloadInTwo(url);
        assert.deepEqual([found.status, found.bytes, found.resumed], [200, whole.length, true]);
        assert.equal(it_.requests().at(-1)?.headers["if-range"], Object.values(headers)[0]);
        assert.ok((await readFile(file())).equals(whole));
        for (const algorithm of large.digests)
          assert.equal(found.digests[algorithm], digest(algorithm, whole));
        await rm(file());
      }
    });

    it("download: starts anew where the rest is not of the same, and never mixes two", async () => {
      const other = randomBytes(2_000_000);
      const etag = '"1"';
      const lies: Record<string, (from: number) => Served> = {
        "the whole of another": () => ({ body: other, headers: { etag: '"2"' } }),
        "another's rest": (from) => ({
          status: 206,
          headers: { etag: '"2"', "content-range": range(from) },
          body: whole.subarray(from),
        }),
        "another place": (from) => ({
          status: 206,
          headers: { etag, "content-range": range(from - 1) },
          body: whole.subarray(from - 1),
        }),
        "another length": (from) => ({
          status: 206,
          headers: { etag, "content-range": range(from, whole.length + 1) },
          body: whole.subarray(from),
        }),
        "no place": (from) => ({ status: 206, headers: { etag }, body: whole.subarray(from) }),
        "nothing there": () => ({ status: 416 }),
      };
      for (const [name, lie] of Object.entries(lies)) {
        let asked = 0;
        const url = it_.serve("/lie", ({ headers }) => {
          const from = /^bytes=(\d+)-$/.exec(String(headers.range))?.[1];
          if (from !== undefined) return lie(Number(from));
          return asked++ === 0
            ? { body: whole, headers: { etag }, fault: "cut" }
            : { body: other, headers: { etag: '"2"' } };
        });
        const found = await downloadInTwo(url);
        assert.equal(found.resumed, false, name);
        assert.ok((await readFile(file())).equals(other), name);
        assert.equal(found.digests.sha256, digest("sha256", other), name);
        await rm(file());
      }
    });

    it("download: cannot go on without a strong validator", async () => {
      for (const headers of [{}, { etag: 'W/"1"' }]) {
        const error = await download(
          serveInTwo(headers, () => ({})),
          large,
        ).catch((it: unknown) => it);
        assert.equal(resumePoint(error), null);
        await rm(file());
      }
    });

    it("download: starts anew when the file holds less than it should", async () => {
      const url = it_.serve("/whole", { body: whole, headers: { etag: '"1"' } });
      const from = { bytes: 1000, validator: '"1"', total: whole.length };
      assert.equal((await download(url, { ...large, from })).resumed, false);
      assert.equal(it_.requests().at(-1)?.headers.range, undefined);
      await rm(file());
    });

    it("digest: of a file that lies there, with progress", async () => {
      await writeFile(file(), whole);
      let last = 0;
      const progress = (bytes: number) => {
        last = bytes;
      };
      const found = await it_.http.digest(file(), ["sha512"], { progress });
      assert.deepEqual(found, { sha512: digest("sha512", whole) });
      assert.ok(last <= whole.length);
      await rm(file());
    });

    it("download: gives up on silence, before and inside the body", async () => {
      for (const fault of ["mute", "stall"] as const) {
        const url = it_.serve("/silent", { body: Buffer.alloc(200_000), fault });
        await breaks(download(url, { idle_ms: 50 }), "unreachable", /nothing arrived/);
        await breaks(download(url, { timeout_ms: 50 }), "unreachable", /nothing arrived|took longer/);
      }
    });

    it("download: stops when it is told to", async () => {
      const url = it_.serve("/silent", { body: Buffer.alloc(200_000), fault: "stall" });
      await breaks(download(url, { signal: AbortSignal.timeout(50) }), "unreachable", /stopped/);
      await refuses(download(url, { signal: AbortSignal.abort() }), "unreachable", /stopped/);
    });

    it("head: gives up on silence", async () => {
      const url = it_.serve("/silent", { fault: "mute" });
      await refuses(it_.http.head(url, { timeout_ms: 50 }), "unreachable", /nothing arrived|took longer/);
    });

    it("download: says of an unknown host what glibc says", async () => {
      await refuses(download("http://nosuch..invalid/x"), "unreachable", /Name or service not known/);
    });
  });
}
