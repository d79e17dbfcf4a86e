import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import { type FakeCloud, fakeCloud } from "../support/fake-cloud.ts";

describe("pages", () => {
  let f: FakeCloud;
  before(async () => {
    f = await fakeCloud({ works: false });
  });
  after(() => f.close());

  const get = (path: string) => f.ask("GET", path, undefined, null);

  it("GET /docs: is a page that names only files of this server, and forbids all others", async () => {
    const { status, type, text, headers } = await get("/docs");
    assert.equal(status, 200);
    assert.equal(type, "text/html; charset=utf-8");
    assert.match(headers["Content-Security-Policy"] ?? "", /^default-src 'self'/);
    assert.doesNotMatch(text, /https?:\/\//);
    const links = [...text.matchAll(/(?:src|href)="([^"?]+)/g)].map(([, link = ""]) => link);
    assert.equal(links.length, 4);
    for (const link of links) assert.equal((await get(link)).status, 200, link);
  });

  const files: [string, string, RegExp][] = [
    ["/docs/swagger-ui.css", "text/css; charset=utf-8", /immutable/],
    ["/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8", /immutable/],
    ["/docs/favicon-32x32.png", "image/png", /immutable/],
    ["/docs/start.js", "text/javascript; charset=utf-8", /no-cache/],
  ];
  for (const [path, type, cache] of files) {
    it(`GET ${path}: has its type and says how long it is good`, async () => {
      const answer = await get(path);
      assert.equal(answer.status, 200);
      assert.equal(answer.type, type);
      assert.match(answer.headers["Cache-Control"] ?? "", cache);
      assert.ok(answer.text.length > 100);
    });
  }

  it("GET of the package's other files: is 404, as any path that is not there", async () => {
    const others = [
      "/docs/",
      "/docs/package.json",
      "/docs/index.html",
      "/docs/swagger-ui.js",
      "/docs/../package.json",
    ];
    for (const path of [...others, "/docs/%2e%2e/package.json", "/docs/swagger-ui-bundle.js.map"])
      assert.equal((await get(path)).status, 404, path);
  });
});
