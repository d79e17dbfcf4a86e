import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { serveImage } from "../../deploy/serve-image.ts";

const directory = mkdtempSync(join(tmpdir(), "sf-serve-"));
const file = join(directory, "tiny.qcow2");
const content = "0123456789";
let server: Server;
let url = "";

before(async () => {
  writeFileSync(file, content);
  ({ server, url } = await serveImage(file, 0));
});
after(() => {
  server.close();
  server.closeAllConnections();
  rmSync(directory, { recursive: true });
});

test("GET: the whole file, with what a cache compares", async () => {
  const answer = await fetch(url);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-length"), "10");
  assert.equal(answer.headers.get("accept-ranges"), "bytes");
  assert.ok(!Number.isNaN(Date.parse(answer.headers.get("last-modified") ?? "")));
  assert.equal(await answer.text(), content);
  const etag = answer.headers.get("etag") ?? "";
  assert.equal((await fetch(url, { headers: { "if-none-match": etag } })).status, 304);
});

test("HEAD: the same headers and no body", async () => {
  const answer = await fetch(url, { method: "HEAD" });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-length"), "10");
  assert.equal(await answer.text(), "");
});

for (const [range, body, content_range] of [
  ["bytes=2-4", "234", "bytes 2-4/10"],
  ["bytes=7-", "789", "bytes 7-9/10"],
  ["bytes=7-99", "789", "bytes 7-9/10"],
  ["bytes=-3", "789", "bytes 7-9/10"],
  ["bytes=-99", content, "bytes 0-9/10"],
]) {
  test(`GET: range ${range} is answered by that part`, async () => {
    const answer = await fetch(url, { headers: { range: range ?? "" } });
    assert.equal(answer.status, 206);
    assert.equal(answer.headers.get("content-range"), content_range);
    assert.equal(await answer.text(), body);
  });
}

test("GET: a range past the end is 416", async () => {
  for (const range of ["bytes=10-", "bytes=5-2", "bytes=-0"]) {
    const answer = await fetch(url, { headers: { range } });
    assert.equal(answer.status, 416, range);
    assert.equal(answer.headers.get("content-range"), "bytes */10");
  }
});

test("GET: a range is ignored when it is none, or when the file has changed since", async () => {
  for (const headers of [
    { range: "lines=1-2" },
    { range: "bytes=-" },
    { range: "bytes=2-4", "if-range": '"old"' },
  ]) {
    const answer = await fetch(url, { headers });
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), content);
  }
});

test("GET: anything else is 404, and other methods 405", async () => {
  for (const path of ["/", "/tiny.qcow2/", "/../etc/passwd", "/%2e%2e/etc/passwd"]) {
    assert.equal((await fetch(new URL(path, url))).status, 404, path);
  }
  assert.equal((await fetch(url, { method: "POST" })).status, 405);
});
