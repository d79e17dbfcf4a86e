// Answers that are read while they are sent, over a real socket.
import { strict as assert } from "node:assert";
import { once } from "node:events";
import { get, type IncomingMessage, request } from "node:http";
import { createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Memory } from "#shared/ports/store/memory.ts";
import { type HttpFunction, http, Streamed } from "../../runtime/define.ts";
import { openDispatch } from "../../runtime/dispatch.ts";
import { openForward } from "../../runtime/forward.ts";
import { type Listener, listen } from "../../runtime/listen.ts";
import type { Route } from "../../runtime/scan.ts";
import { eventually } from "../support/await.ts";
import { type FakeCloud, fakeCloud } from "../support/fake-cloud.ts";

const MIB = 2 ** 20;
const PIECE = Buffer.alloc(MIB, "x");

/** What the functions of these tests have done. */
interface Seen {
  yielded: number;
  ended: number;
  range: string | undefined;
}

describe("a streamed answer", () => {
  const seen: Seen = { yielded: 0, ended: 0, range: undefined };
  let cloud: FakeCloud;
  let listener: Listener;
  let port: number;

  const pieces = (count: number) =>
    async function* read(signal: AbortSignal): AsyncGenerator<Buffer> {
      try {
        for (let done = 0; done < count && !signal.aborted; done++) {
          seen.yielded++;
          yield PIECE;
        }
      } finally {
        seen.ended++;
      }
    };
  const route = (path: string, answer: (range?: string) => Streamed): Route => ({
    ...{ method: "GET", path, file: `${path}.get.ts` },
    definition: http({
      summary: "Stream",
      access: "anyone",
      run: ({ range }) => answer(range),
      answer: Streamed,
    }) as HttpFunction,
  });
  const sized = (bytes: number) => ({ headers: { "Content-Length": String(bytes) } });
  const routes = [
    route("/test/whole", () => new Streamed("text/x-test", pieces(64), sized(64 * MIB))),
    route("/test/open", () => new Streamed("text/plain", pieces(4))),
    route("/test/empty", () => new Streamed("text/plain", pieces(0), sized(0))),
    route("/test/short", () => new Streamed("text/plain", pieces(1), sized(2 * MIB))),
    route("/test/broken", () => new Streamed("text/plain", broken, sized(2 * MIB))),
    route("/test/idle", () => new Streamed("text/plain", idle)),
    route("/test/part", (range) => {
      seen.range = range;
      const headers = { "Content-Length": "2", "Content-Range": "bytes 0-1/9", ETag: '"e"' };
      return new Streamed("text/plain", () => oneOf("ab"), { status: 206, headers });
    }),
  ];
  async function* oneOf(text: string): AsyncGenerator<Buffer> {
    yield Buffer.from(text);
  }
  async function* broken(): AsyncGenerator<Buffer> {
    yield PIECE;
    throw new Error("the disk is gone");
  }
  async function* idle(signal: AbortSignal): AsyncGenerator<Buffer> {
    yield Buffer.from("first ");
    await delay(12_000, undefined, { signal }).catch(() => {});
    seen.ended++;
    if (!signal.aborted) yield Buffer.from("last");
  }

  const open = (path: string, headers = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) =>
      get({ host: "127.0.0.1", port, path, headers, agent: false }, resolve).on("error", reject),
    );
  async function read(path: string): Promise<{ bytes: number; headers: IncomingMessage["headers"] }> {
    const response = await open(path);
    let bytes = 0;
    for await (const chunk of response) bytes += (chunk as Buffer).length;
    return { bytes, headers: response.headers };
  }

  before(async () => {
    port = await freePort();
    const config = { API_PORT: String(port), API_ADDRESS: "127.0.0.1" };
    cloud = await fakeCloud({ routes, config });
    listener = await listen(cloud.cloud, cloud.dispatch);
  });
  after(async () => {
    listener.close();
    await cloud.close();
  });

  it("with a length: comes whole, and says it", async () => {
    const { bytes, headers } = await read("/test/whole");
    assert.equal(bytes, 64 * MIB);
    assert.equal(headers["content-length"], String(64 * MIB));
    assert.equal(headers["content-type"], "text/x-test");
    assert.equal(headers["transfer-encoding"], undefined);
  });

  it("without a length: comes whole, in chunks", async () => {
    const { bytes, headers } = await read("/test/open");
    assert.equal(bytes, 4 * MIB);
    assert.equal(headers["transfer-encoding"], "chunked");
  });

  it("of no bytes: is empty", async () => {
    const { bytes, headers } = await read("/test/empty");
    assert.deepEqual([bytes, headers["content-length"]], [0, "0"]);
  });

  it("a slow client: is read for no faster than it takes, and let go when it goes", async () => {
    const before = { ...seen };
    const response = await open("/test/whole");
    response.pause();
    await eventually("the first pieces", 10_000, () => seen.yielded > before.yielded || undefined);
    let last = -1;
    await eventually("that nothing more is read", 20_000, async () => {
      const moved = seen.yielded !== last;
      last = seen.yielded;
      await delay(200);
      return moved ? undefined : true;
    });
    assert.ok(seen.yielded - before.yielded < 32, `${seen.yielded - before.yielded} MiB were read ahead`);
    response.destroy();
    await eventually("the end of the reading", 10_000, () => seen.ended > before.ended || undefined);
  });

  for (const path of ["/test/short", "/test/broken"])
    it(`${path}: is cut, never ended as if it were whole`, async () => {
      await assert.rejects(read(path), /aborted|ECONNRESET|socket hang up/);
    });

  it("a part: is known to the function, and its headers arrive", async () => {
    const response = await open("/test/part", { range: "bytes=0-1" });
    response.resume();
    await once(response, "end");
    assert.equal(seen.range, "bytes=0-1");
    assert.equal(response.statusCode, 206);
    assert.equal(response.headers["content-range"], "bytes 0-1/9");
    assert.equal(response.headers.etag, '"e"');
  });

  it("silence for longer than a connection may be idle: goes on", async () => {
    assert.equal((await read("/test/idle")).bytes, "first last".length);
  });

  it("the node stops: ends", async () => {
    const ended = seen.ended;
    const second = await fakeCloud({
      routes,
      config: { API_PORT: String(await freePort()), API_ADDRESS: "127.0.0.1" },
    });
    const stopping = await listen(second.cloud, second.dispatch);
    const sent = request({ host: "127.0.0.1", port: second.cloud.config.API_PORT, path: "/test/idle" });
    sent.end();
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    const cut = new Promise((resolve) => response.once("close", resolve));
    response.on("error", () => {});
    response.resume();
    stopping.close();
    await cut;
    await eventually("the end of the reading", 5000, () => seen.ended > ended || undefined);
    await second.close();
  });
});

describe("a streamed answer of another node", () => {
  it("an endless one: goes through as it comes, with its headers, and is let go when nobody takes it", async () => {
    const memory = new Memory();
    const port = await freePort();
    const config = { API_PORT: String(port), API_ADDRESS: "127.0.0.2" };
    let ended = 0;
    async function* endless(signal: AbortSignal): AsyncGenerator<Buffer> {
      for (let count = 0; !signal.aborted; count++) {
        yield Buffer.from(`${count}\n`);
        await delay(20, undefined, { signal }).catch(() => {});
      }
      ended++;
    }
    const routes: Route[] = [
      {
        ...{ method: "GET", path: "/test/far", file: "far.get.ts" },
        definition: http({
          summary: "Stream from the other node",
          access: "namespace",
          node: () => "sf-2",
          run: ({ range }) => new Streamed("text/plain", endless, { headers: { ETag: `"${range}"` } }),
          answer: Streamed,
        }) as HttpFunction,
      },
    ];
    const here = await fakeCloud({ memory, routes, config });
    const owner = await fakeCloud({ memory, routes, config, node: { name: "sf-2", ip: "127.0.0.2" } });
    const listener = await listen(owner.cloud, owner.dispatch);
    const dispatch = openDispatch(here.table, openForward());
    const answer = await dispatch(here.cloud, {
      ...{ method: "GET", path: "/test/far", body: "", id: "1", range: "bytes=7-" },
      authorization: await here.authorization("alice"),
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers?.ETag, '"bytes=7-"');
    assert.equal(typeof answer.body, "function");
    const gone = new AbortController();
    let text = "";
    if (typeof answer.body === "function")
      for await (const chunk of answer.body(gone.signal)) {
        text += Buffer.from(chunk).toString();
        if (text.split("\n").length > 5) break;
      }
    assert.match(text, /^0\n1\n2\n3\n4\n/);
    await eventually("the end of the reading there", 10_000, () => ended > 0 || undefined);
    listener.close();
    await owner.close();
    await here.close();
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
