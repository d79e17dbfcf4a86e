import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { after, before, describe, it } from "node:test";
import type { Event, ImageMeta } from "../../shared/api/types.ts";
import { type FakeCloud, fakeCloud } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

const URL = "http://images.example.org/disc.iso";

/** Just enough of an ISO 9660 file system. */
const iso = Buffer.alloc(40_000);
iso.write("CD001", 32_769);

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
    const { fetched, ...rest } = images[0] ?? assert.fail();
    assert.ok(!Number.isNaN(Date.parse(fetched ?? "")));
    assert.deepEqual(rest, {
      url: URL,
      checksum: createHash("md5").update(iso).digest("hex"),
      size: "40000",
      modified: "Mon, 12 Oct 2020 10:00:00 GMT",
      ...{ file_version: 1, version: 1, node: "sf-1" },
      ref: createHash("sha256").update(URL).digest("hex"),
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
    assert.match(last?.message ?? "", /^Error: .*IMAGE_ALLOWED_NETWORKS/);
  });
});
