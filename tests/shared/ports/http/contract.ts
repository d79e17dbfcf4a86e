// What every Http does, whichever it is.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { DownloadOptions, Http } from "#shared/ports/http/http.ts";
import type { Served } from "./server.ts";

/** The thing under test and the servers it may reach; 127.0.0.0/8 is allowed to it. */
export interface HttpUnderTest {
  http: Http;
  serve(path: string, answer: Served): string;
  requests(): { method: string; headers: Readonly<Record<string, unknown>> }[];
  close(): Promise<void>;
}

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
      assert.equal(existsSync(file()), false, "no file is left");
    }

    before(async () => {
      it_ = await open();
      directory = await mkdtemp(join(tmpdir(), "sf-http-"));
    });
    after(async () => {
      await it_.close();
      await rm(directory, { recursive: true });
    });

    it("download: writes the body and tells its size and MD5", async () => {
      const body = Buffer.alloc(300_000, "abc");
      const url = it_.serve("/body", { body, headers: { "Last-Modified": "yesterday" } });
      const found = await download(url);
      assert.equal(found.status, 200);
      assert.equal(found.bytes, body.length);
      assert.equal(found.md5, createHash("md5").update(body).digest("hex"));
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
        await refuses(download(`http://${host}/`), "malformed", /SHAKENFIST_IMAGE_ALLOWED_NETWORKS/);
        const sly = it_.serve("/sly", { status: 307, headers: { location: `http://${host}/` } });
        await refuses(download(sly), "malformed", /SHAKENFIST_IMAGE_ALLOWED_NETWORKS/);
      }
    });

    it("download: refuses more than max_bytes, by length and by counting", async () => {
      const body = Buffer.alloc(200_000);
      for (const chunked of [false, true]) {
        const url = it_.serve("/large", { body, chunked });
        await refuses(download(url, { max_bytes: 199_999 }), "too_large", /large/);
        assert.equal((await download(url, { max_bytes: 200_000 })).bytes, 200_000);
        await rm(file());
      }
    });

    it("download: a body that ends early is an error", async () => {
      const url = it_.serve("/cut", { body: Buffer.alloc(200_000), fault: "cut" });
      await refuses(download(url), "unreachable", /cut/);
    });

    it("download: gives up on silence, before and inside the body", async () => {
      for (const fault of ["mute", "stall"] as const) {
        const url = it_.serve("/silent", { body: Buffer.alloc(200_000), fault });
        await refuses(download(url, { idle_ms: 50 }), "unreachable", /nothing arrived/);
        await refuses(download(url, { timeout_ms: 50 }), "unreachable", /nothing arrived|took longer/);
      }
    });

    it("download: stops when it is told to", async () => {
      const url = it_.serve("/silent", { body: Buffer.alloc(200_000), fault: "stall" });
      await refuses(download(url, { signal: AbortSignal.timeout(50) }), "unreachable", /stopped/);
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
