import { strict as assert } from "node:assert";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type Clock, systemClock } from "#shared/clock.ts";
import type { NewEvent } from "#shared/cloud.ts";
import { readConfig } from "#shared/config.ts";
import { type DownloadImageOptions, downloadImage } from "#shared/images/download.ts";
import type { ImageRecord } from "#shared/images/record.ts";
import { type FakeHttp, type FakeRequest, openFakeHttp } from "#shared/ports/http/fake.ts";

const url = "http://images.example.org/disk.img";
const body = randomBytes(1000);
const etag = '"1"';

describe("downloadImage", () => {
  let directory: string;
  let http: FakeHttp;
  let clock: Clock;
  let slept: number[];
  let now: number;
  const file = () => join(directory, "download");
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "sf-download-"));
    http = openFakeHttp();
    slept = [];
    now = 1_700_000_000;
    clock = {
      now: () => now,
      async sleep(ms, signal) {
        slept.push(ms);
        now += ms / 1000;
        await systemClock.sleep(0, signal);
      },
    };
  });
  afterEach(() => rm(directory, { recursive: true }));

  const config = readConfig({ SHAKENFIST_IMAGE_TIMEOUT: "100" }).config;
  const fetch = (options: Partial<DownloadImageOptions> = {}) =>
    downloadImage({ http, clock, config }, { url }, file(), {
      signal: new AbortController().signal,
      ...options,
    });
  const fail =
    (status: number, headers: Record<string, string> = {}) =>
    () => ({ status, headers });

  it("downloadImage: answers the file's size, digests and headers, and tells its progress", async () => {
    http.serve(url, { body, headers: { ETag: etag } });
    const told: unknown[] = [];
    const digests = ["md5", "sha256"] as const;
    const found = await fetch({ digests, progress: (...it) => void told.push(it) });
    const digest = (algorithm: string) => createHash(algorithm).update(body).digest("hex");
    assert.deepEqual(found, {
      ...{ status: 200, file: file(), bytes: body.length },
      digests: { md5: digest("md5"), sha256: digest("sha256") },
      headers: { "content-length": "1000", etag },
    });
    assert.deepEqual(told.at(-1), ["download", 1000, 1000]);
  });

  it("downloadImage: what is unchanged is not fetched", async () => {
    const image = { etag, modified: null } as ImageRecord;
    http.serve(url, ({ headers }) => (headers["if-none-match"] === etag ? { status: 304 } : { body }));
    const { status, bytes } = await fetch({ unless_still: image });
    assert.deepEqual([status, bytes, existsSync(file())], [304, 0, false]);
  });

  it("downloadImage: pauses longer each time, tells why, and gives up", async () => {
    http.serve(url, fail(503));
    const events: NewEvent[] = [];
    await assert.rejects(fetch({ record: (event) => void events.push(event) }), {
      kind: "unreachable",
      message: "the server answered 503 (tried 4 times)",
    });
    assert.deepEqual(slept, [1_000, 4_000, 10_000]);
    assert.deepEqual(events[0], {
      ...{ operation: "fetch image", phase: "retry" },
      message: "the server answered 503; trying again in 1 s",
    });
    assert.equal(events.length, 3);
  });

  it("downloadImage: waits as long as it is asked to, but not for ever", async () => {
    const pauses = ["7", new Date((now + 8 + 20) * 1000).toUTCString(), "999999", "garbage"];
    let asked = 0;
    http.serve(url, () => (asked < 3 ? fail(429, { "Retry-After": pauses[asked++] ?? "" })() : { body }));
    await fetch();
    assert.equal(slept[0], 7_000);
    assert.ok((slept[1] ?? 0) >= 20_000 && (slept[1] ?? 0) <= 22_000, String(slept[1]));
    assert.equal(slept[2], 60_000);
  });

  it("downloadImage: begins no pause that ends past IMAGE_TIMEOUT", async () => {
    http.serve(url, () => {
      now += 98;
      return { status: 500 };
    });
    await assert.rejects(fetch(), { message: "the server answered 500 (tried 2 times)" });
    assert.deepEqual(slept, [1_000]);
  });

  it("downloadImage: what will not pass is not tried again", async () => {
    for (const status of [400, 401, 403, 404, 410, 304, 206]) {
      http.serve(url, { status });
      await assert.rejects(fetch(), { kind: "unreachable", message: `the server answered ${status}` });
    }
    http.serve(url, { body: "" });
    await assert.rejects(fetch(), { kind: "unreachable", message: "the server sent an empty file" });
    await assert.rejects(
      downloadImage({ http, clock, config }, { url: "http://10.0.0.1/" }, file(), {
        signal: new AbortController().signal,
      }),
      { kind: "malformed" },
    );
    assert.deepEqual(slept, []);
  });

  /** Cuts each answer half way, as long as it is told to. */
  const cutting = (whole: Buffer, times: number) => {
    let asked = 0;
    return ({ headers }: FakeRequest) => {
      const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
      const range = { "Content-Range": `bytes ${from}-${whole.length - 1}/${whole.length}` };
      return {
        ...(from === 0 ? {} : { status: 206 }),
        headers: { ETag: etag, ...(from === 0 ? {} : range) },
        body: whole.subarray(from),
        ...(asked++ < times ? { fault: "cut" as const } : {}),
      };
    };
  };

  it("downloadImage: goes on where it broke, also after a server that was away", async () => {
    const answer = cutting(body, 2);
    let asked = 0;
    http.serve(url, (request) => (++asked === 2 ? { status: 503 } : answer(request)));
    const { bytes } = await fetch();
    assert.equal(bytes, 1000);
    assert.ok((await readFile(file())).equals(body));
    assert.deepEqual(
      http.requests.map(({ headers }) => headers.range),
      [undefined, "bytes=500-", "bytes=500-", "bytes=750-"],
    );
  });

  it("downloadImage: as long as much of a file arrives, tries are counted anew", async () => {
    const large = Buffer.alloc(64 * 2 ** 20, "x");
    http.serve(url, cutting(large, 4));
    const { bytes } = await fetch();
    assert.equal(bytes, large.length);
    assert.equal(http.requests.length, 5);
  });

  it("downloadImage: leaves no file when it is stopped", async () => {
    const stop = new AbortController();
    http.serve(url, cutting(body, 9));
    await writeFile(file(), "old");
    await assert.rejects(fetch({ signal: stop.signal, record: () => stop.abort() }), { message: /stopped$/ });
    assert.equal(existsSync(file()), false);
  });
});
