import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Event, ImageMeta, Instance } from "#shared/api/types.ts";
import { imageRef } from "#shared/images/record.ts";
import { type JobRecord, jobPrefix } from "#shared/jobs.ts";
import { silentLog } from "#shared/log.ts";
import { put } from "#shared/ports/store/store.ts";
import { eventually } from "../support/await.ts";
import { type FakeCloud, fakeCloud, small } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

const URL = "http://images.example.org/disc.iso";

/** Just enough of an ISO 9660 file system. */
const iso = Buffer.alloc(40_000);
iso.write("CD001", 32_769);

const created = (f: FakeCloud, uuid: string) =>
  eventually(`${uuid} is created`, 10_000, async () => {
    const { state } = await f.call<Instance>("GET", `/instances/${uuid}`);
    return state === "created" || undefined;
  });

describe("images", () => {
  let f: FakeCloud;
  before(async () => {
    f = await fakeCloud();
    const modified = "Mon, 12 Oct 2020 10:00:00 GMT";
    f.http.serve(URL, { body: iso, headers: { "last-modified": modified } });
  });
  after(() => f.close());

  const events = (url: string) => f.call<Event[]>("GET", "/images/events", { url }, "alice");
  const cache = async (url: string) => {
    assert.equal(await f.call("POST", "/images", { url }, "alice"), null);
    await f.idle();
  };

  it("POST /images: fetches; each call tells of a success of its own", async () => {
    for (const times of [1, 2]) {
      await cache(URL);
      const told = (await events(URL)).filter(({ operation }) => operation === "fetch");
      assert.deepEqual(
        told.map(({ message }) => message),
        Array(times).fill("success"),
      );
    }
    assert.equal(f.http.requests.filter(({ method }) => method === "GET").length, 1);
  });

  it("GET /images: shows what a node holds, with the types that clients read", async () => {
    await cache(URL);
    const images = await f.call<ImageMeta[]>("GET", "/images", undefined, "alice");
    const { fetched, used, ...rest } = images[0] ?? assert.fail();
    for (const time of [fetched, used]) assert.ok(!Number.isNaN(Date.parse(time ?? "")));
    assert.deepEqual(rest, {
      url: URL,
      checksum: null,
      size: "40000",
      modified: "Mon, 12 Oct 2020 10:00:00 GMT",
      ...{ file_version: 1, version: 1, node: "sf-1" },
      ref: createHash("sha256").update(URL).digest("hex"),
      ...{ state: "cached", phase: null, done: null, total: null, reason: null },
      ...{ format: "iso", virtual_size: 40_000, in_use: 0 },
      sha256: null,
    });
    assert.deepEqual(await f.call("GET", "/images", { node: "sf-2" }, "alice"), []);
    assert.equal((await f.call<ImageMeta[]>("GET", "/images", { node: "sf-1" }, "alice")).length, 1);
  });

  it("POST /images: a host that does not exist is told in glibc's words", async () => {
    const url = "http://nowhere.example.org/x";
    await cache(url);
    const last = (await events(url)).findLast(({ operation }) => operation === "fetch");
    assert.match(last?.message ?? "", /^Error: .*Name or service not known/);
  });

  it("GET /images/events: those of a URL do not show under the URL that it begins with (fault 54)", async () => {
    await cache(`${URL}/longer`);
    const before = (await events(URL)).length;
    await cache(`${URL}/longer`);
    assert.equal((await events(URL)).length, before);
  });

  const list = (input: object) => f.call<ImageMeta[]>("GET", "/images", input, "alice");

  it("GET /images: by URL or short name; what is fetched or was refused only when all is asked for", async () => {
    const bad = "http://images.example.org/bad";
    f.http.serve(bad, { body: "<html>sorry</html>" });
    await cache(bad);
    await f.cloud.store.commit([
      put(`fetch/sf-2/${imageRef(URL)}`, {
        ...{ url: URL, ref: imageRef(URL), node: "sf-2", started: 1 },
        ...{ phase: "verify", done: 10, total: 40_000 },
      }),
    ]);
    assert.deepEqual(
      (await list({})).map(({ node, state }) => [node, state]),
      [["sf-1", "cached"]],
    );
    assert.deepEqual(await list({ url: bad }), []);
    const [refused] = await list({ url: bad, all: true });
    assert.equal(refused?.state, "bad");
    assert.match(refused?.reason ?? "", /^image http:\/\/images.example.org\/bad: .*web page/);
    const rows = await list({ url: URL, all: true });
    assert.deepEqual(
      rows.map(({ node, state, phase, done, total }) => [node, state, phase, done, total]),
      [
        ["sf-1", "cached", null, null, null],
        ["sf-2", "fetching", "verify", 10, 40_000],
      ],
    );
    // Old clients in Go decode each row into these types.
    for (const row of [...rows, refused]) {
      assert.equal(typeof row?.file_version, "number");
      for (const field of ["checksum", "size", "modified", "fetched"] as const)
        assert.ok(row?.[field] === null || typeof row?.[field] === "string");
    }
    assert.deepEqual(await list({ url: "no image", all: true }), []);
  });

  it("GET /images: counts the disks that stand on an image", async () => {
    for (const name of ["one", "two"]) {
      const { uuid } = await f.call<Instance>("POST", "/instances", {
        ...small({
          name,
          disk: [
            { size: 8, base: URL },
            { size: 8, base: URL },
          ],
        }),
      });
      await created(f, uuid);
    }
    assert.equal((await list({ url: URL }))[0]?.in_use, 4);
    const [first] = await f.call<Instance[]>("GET", "/instances");
    await f.call("DELETE", `/instances/${first?.uuid}`);
    await f.idle();
    assert.equal((await list({ url: URL }))[0]?.in_use, 2);
  });

  it("POST /images: a checksum that is not the image's is an error that names both", async () => {
    const wrong = `sha256:${"0".repeat(64)}`;
    for (const input of [{ url: URL, checksum: wrong }, { url: `${URL}#${wrong}` }]) {
      assert.equal(await f.call("POST", "/images", input, "alice"), null);
      await f.idle();
      const last = (await events(URL)).findLast(({ operation }) => operation === "fetch");
      const has = createHash("sha256").update(iso).digest("hex");
      assert.match(last?.message ?? "", new RegExp(`^Error: image .*${has}.*0{64}`));
    }
    const right = `sha256:${createHash("sha256").update(iso).digest("hex")}`;
    await f.call("POST", "/images", { url: URL, checksum: right }, "alice");
    await f.idle();
    assert.equal((await events(URL)).findLast(({ operation }) => operation === "fetch")?.message, "success");
  });

  it("POST /images: on a node, on some, on all; each has a job of its own", async (t) => {
    const other = await fakeCloud({
      memory: f.memory,
      node: { name: "sf-2", ip: "10.255.0.2" },
      works: false,
    });
    t.after(() => other.close());
    const jobs = (node: string) =>
      f.cloud.store.mirror
        .list<JobRecord>(jobPrefix(node))
        .map(({ value: { kind, subject } }) => [kind, subject.uuid]);
    const asked: [object, string][] = [
      [{ node: "sf-2" }, "sf-2"],
      [{ node: ["sf-2", "sf-1", "sf-2"] }, "sf-2, sf-1"],
      [{ all: true }, "sf-1, sf-2"],
    ];
    for (const [input, nodes] of asked) {
      await f.call("POST", "/images", { url: URL, ...input }, "alice");
      const api = (await events(URL)).findLast(({ operation }) => operation === "api");
      assert.deepEqual([api?.phase, api?.message], ["cache", nodes]);
      await f.idle();
      assert.deepEqual(jobs("sf-2"), [["images/fetch", URL]]);
      await f.cloud.store.clear(jobPrefix("sf-2"));
    }
  });

  it("POST /images: refuses what can never be fetched, and nodes that there are not", async () => {
    const post = (input: object) => ["POST", "/images", input, "alice"] as const;
    const cases: [object, number, string | RegExp][] = [
      [{ url: "file:///etc/passwd" }, 400, /neither an http or https URL nor one of cirros, ubuntu, debian$/],
      [{ url: "debian:sarge" }, 400, /^Cannot parse version: debian:sarge \(understood are debian, /],
      [{ url: `${URL}#md5:abc` }, 400, /^checksum 'md5:abc': /],
      [{ url: URL, checksum: "abc" }, 400, /^checksum 'abc': /],
      [{ url: URL, checksum: 7 }, 400, "checksum is not a string"],
      [{ url: URL, node: 7 }, 400, "node is neither a name nor a list of names"],
      [{ url: URL, node: [] }, 400, "node is neither a name nor a list of names"],
      [{ url: URL, node: [7] }, 400, "node is neither a name nor a list of names"],
      [{ url: URL, all: "yes" }, 400, "all is not a boolean"],
      [{ url: URL, node: "sf-1", all: true }, 400, "give node or all, not both"],
      [{ url: URL, node: ["sf-1", "sf-9"] }, 404, "node sf-9 not found"],
    ];
    for (const [input, status, words] of cases) {
      const answer = await f.ask(...post(input));
      const { error } = answer.body as { error: string };
      assert.equal(answer.status, status, answer.text);
      if (typeof words === "string") assert.equal(error, words);
      else assert.match(error, words);
    }
    await refuses(f, ["GET", "/images", { all: 1 }, "alice"], 400, "all is not a boolean");
    await refuses(f, ["GET", "/images", { url: 1 }, "alice"], 400, "url is not a string");
  });

  it("more slow fetches than a node does at once: hold up no start from an image that is there", async (t) => {
    const g = await fakeCloud();
    t.after(() => g.close());
    g.http.serve(URL, { body: iso });
    await g.call("POST", "/images", { url: URL });
    await g.idle();
    const slow = Array.from({ length: 40 }, (_, index) => `http://slow.example.org/${index}`);
    for (const url of slow) g.http.serve(url, { body: iso, fault: "stall" });
    for (const url of slow) await g.call("POST", "/images", { url });
    const { uuid } = await g.call<Instance>("POST", "/instances", small({ disk: [{ size: 8, base: URL }] }));
    await created(g, uuid);
    const fetching = await g.call<ImageMeta[]>("GET", "/images", { all: true });
    assert.equal(fetching.filter(({ state }) => state === "fetching").length, 16);
  });

  it("a file that is taken away: what starts from it then fetches it again, which is an event", async () => {
    const [row] = await list({ url: URL });
    const cache = join(f.cloud.config.STORAGE_PATH, "image_cache");
    const version = row?.file_version ?? 0;
    const name = `${row?.ref}.v00${version}.iso`;
    await rename(join(cache, name), join(cache, "elsewhere"));
    const { uuid } = await f.call<Instance>("POST", "/instances", small({ disk: [{ base: URL }] }));
    await f.idle();
    const told = await f.call<Event[]>("GET", `/instances/${uuid}/events`);
    assert.ok(
      told.some(({ phase, message }) => phase === "cached copy not used" && /gone/.test(message ?? "")),
    );
    assert.equal((await list({ url: URL }))[0]?.file_version, version + 1);
  });

  it("the schedule: removes what is over the cache's size, keeps what disks stand on, and tells both", async (t) => {
    const logged: string[] = [];
    const log = { ...silentLog, warn: (_: object, words: string) => void logged.push(words) };
    const g = await fakeCloud({ config: { IMAGE_CACHE_GIB: String(1 / 2 ** 20) }, log });
    t.after(() => g.close());
    const [used, unused] = ["used", "unused"].map((name) => `http://images.example.org/${name}`) as [
      string,
      string,
    ];
    for (const url of [used, unused]) {
      g.http.serve(url, { body: iso });
      await g.call("POST", "/images", { url });
    }
    await g.call("POST", "/instances", small({ disk: [{ base: used }] }));
    await g.idle();
    const schedule = g.table.schedules.find(({ name }) => name === "images/clean-up")?.definition;
    const later = { ...g.cloud, clock: { ...g.cloud.clock, now: () => g.cloud.clock.now() + 86_400 } };
    for (let times = 0; times < 2; times++)
      await schedule?.run({ cloud: later, signal: new AbortController().signal });
    const rows = await g.call<ImageMeta[]>("GET", "/images", { all: true });
    assert.deepEqual(
      rows.map(({ url }) => url),
      [used],
    );
    const told = await g.call<Event[]>("GET", "/images/events", { url: unused });
    const removed = told.filter(({ operation }) => operation === "image removed");
    assert.equal(removed.length, 1);
    assert.match(removed[0]?.message ?? "", /^v001.iso: not used for 2\d h, and the cache was over /);
    const over = logged.filter((words) =>
      words.startsWith("the image cache is over its size; all of it is in use"),
    );
    assert.equal(over.length, 1);
  });

  it("POST /images: refuses what is no text", async () => {
    for (const url of [undefined, null, 7, "", ["x"]])
      await refuses(f, ["POST", "/images", { url }, "alice"], 400, "url is not a string");
    const long = "x".repeat(5000);
    await refuses(f, ["POST", "/images", { url: long }, "alice"], 400, "url is too long");
  });

  it("POST /images: an internal address is refused by the job, with the reason", async () => {
    const url = "http://169.254.169.254/latest/meta-data";
    await cache(url);
    const last = (await events(url)).findLast(({ operation }) => operation === "fetch");
    assert.match(last?.message ?? "", /^Error: .*IMAGE_URL_ALLOW/);
  });
});
