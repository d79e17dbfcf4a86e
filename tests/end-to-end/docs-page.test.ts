// The API page in a browser that knows no other host: every operation is on it, and it asks for nothing from elsewhere.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { type FakeCloud, fakeCloud } from "../support/fake-cloud.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const RENDERED_MS = 20_000;
const DEADLINE_MS = 90_000;

const QUIET = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"],
];

describe("API page", () => {
  let f: FakeCloud;
  let server: Server;
  let origin: string;
  let profile: string;
  let page: string;
  const asked: string[] = [];
  /** What the browser wanted from any other host: it goes through this server as its proxy. */
  const elsewhere: string[] = [];

  before(async () => {
    f = await fakeCloud({ works: false });
    server = createServer(async ({ method = "", url = "" }, response) => {
      if (!url.startsWith("/")) {
        elsewhere.push(url);
        return void response.writeHead(502).end();
      }
      const path = url.replace(/\?.*/, "");
      asked.push(path);
      const {
        status,
        type,
        headers = {},
        body,
      } = await f.dispatch(f.cloud, { method, path, body: "", id: "1" });
      response.writeHead(status, { ...headers, "Content-Type": type }).end(body);
    });
    server.on("connect", ({ url = "" }, socket) => {
      elsewhere.push(url);
      socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    origin = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    profile = await mkdtemp(join(tmpdir(), "sf-chromium-"));
    page = await render(`http://${origin}/docs`);
  });
  after(async () => {
    server.close();
    server.closeAllConnections();
    await f.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  });

  /** The page as it stands when its scripts are done. */
  async function render(url: string): Promise<string> {
    const options = [
      ...QUIET,
      ...[
        `--user-data-dir=${profile}`,
        `--virtual-time-budget=${RENDERED_MS}`,
        "--dump-dom",
        "--screenshot=/tmp/shot.png",
      ],
      ...[`--proxy-server=${origin}`, "--window-size=1200,900"],
    ];
    const child: ChildProcess = spawn("chromium", [...options, url], {
      stdio: ["ignore", "pipe", "ignore"],
      timeout: DEADLINE_MS,
      killSignal: "SIGKILL",
    });
    assert.ok(child.stdout);
    const [dom] = await Promise.all([text(child.stdout), once(child, "exit")]);
    return dom;
  }

  it("GET /docs in Chromium: every operation is on the page", () => {
    const shown = new Set([...page.matchAll(/id="(operations-(?!tag-)[^"]+)"/g)].map(([, id]) => id));
    assert.ok(f.table.routes.length > 20);
    assert.equal(shown.size, f.table.routes.length);
    for (const { definition } of f.table.routes)
      assert.ok(page.includes(definition.summary), definition.summary);
  });

  it("GET /docs in Chromium: nothing is asked of another host, nor what is not there", async () => {
    // The browser's own errands are not the page's: they go to Google, whatever is opened.
    const errands = /(^|\.)(google|googleapis|gstatic|gvt1|chromium)\.(com|org)(:\d+)?(\/|$)/;
    const others = elsewhere.map((each) => each.replace(/^https?:\/\//, ""));
    assert.deepEqual(
      others.filter((each) => !errands.test(each)),
      [],
    );
    assert.ok(asked.includes("/openapi.json") && asked.includes("/docs/swagger-ui-bundle.js"));
    for (const path of new Set(asked)) {
      const { status } = await f.ask("GET", path, undefined, null);
      assert.equal(status, 200, path);
    }
  });
});
