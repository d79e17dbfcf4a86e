// Consoles over the API, on fakes: their last bytes, and what comes.
import { strict as assert } from "node:assert";
import { once } from "node:events";
import { appendFile, rename } from "node:fs/promises";
import { createServer } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { readConfig } from "#shared/config.ts";
import { openStreams } from "#shared/instances/console-stream.ts";
import { consoleWatches } from "#shared/instances/console-watch.ts";
import { consoleLog } from "#shared/instances/paths.ts";
import { Memory } from "#shared/ports/store/memory.ts";
import { openDispatch } from "../../runtime/dispatch.ts";
import { openForward } from "../../runtime/forward.ts";
import { listen as openListener } from "../../runtime/listen.ts";
import { eventually } from "../support/await.ts";
import { type FakeCloud, fakeCloud, small } from "../support/fake-cloud.ts";

const TEXT = "text/plain; charset=utf-8";

async function open(t: TestContext, config: Record<string, string> = {}) {
  const f = await fakeCloud({ config });
  t.after(() => f.close());
  const { uuid } = await f.call<{ uuid: string }>("POST", "/instances", small(), "alice");
  return { f, uuid, log: consoleLog(f.cloud.config, uuid) };
}

/** What is answered to somebody who listens. */
async function listen(t: TestContext, f: FakeCloud, uuid: string, body: unknown = {}) {
  const answer = await f.dispatch(f.cloud, {
    ...{ method: "GET", path: `/instances/${uuid}/console`, id: "request-1" },
    authorization: await f.authorization("alice"),
    body: JSON.stringify(body),
  });
  const { body: read } = answer;
  if (typeof read !== "function")
    return { ...answer, got: { text: String(read) }, done: undefined, stop() {} };
  const client = new AbortController();
  t.after(() => client.abort());
  const got = { text: "" };
  async function take(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of bytes) got.text += Buffer.from(chunk).toString();
  }
  return { ...answer, got, done: take(read(client.signal)), stop: () => client.abort() };
}

describe("consoles", () => {
  it("GET /instances/{instance_ref}/console: its end, and then what comes, until the client goes", async (t) => {
    const { f, uuid, log } = await open(t);
    await appendFile(log, `${"x".repeat(11_000)}past `);
    const { status, type, got, done, stop } = await listen(t, f, uuid);
    assert.deepEqual([status, type], [200, TEXT]);
    await eventually("the past", 5000, () => got.text.endsWith("past ") || undefined);
    assert.equal(got.text.length, 10_240);
    await appendFile(log, "present ");
    await eventually("the present", 5000, () => got.text.endsWith("past present ") || undefined);
    await rename(log, `${log}.0`);
    await appendFile(log, "future");
    await eventually(
      "what comes after a rotation",
      5000,
      () => got.text.endsWith("present future") || undefined,
    );
    stop();
    await done;
    assert.equal(consoleWatches(f.cloud), 0);
  });

  it("GET /instances/{instance_ref}/console: begins as far back as is asked for", async (t) => {
    const { f, uuid, log } = await open(t);
    await appendFile(log, "0123456789");
    const lengths: [unknown, string][] = [
      [0, ""],
      [3, "789"],
      ["3", "789"],
      [-1, "0123456789"],
      [null, "0123456789"],
      ["", "0123456789"],
      [100, "0123456789"],
    ];
    const listeners = await Promise.all(lengths.map(([length]) => listen(t, f, uuid, { length })));
    for (const [index, { got }] of listeners.entries()) {
      // Those that begin at the end begin some time: they are written to until they have.
      await eventually(JSON.stringify(lengths[index]), 5000, async () => {
        await appendFile(log, "!");
        return got.text.endsWith("!") || undefined;
      });
      assert.equal(got.text.replace(/!+$/, ""), lengths[index]?.[1]);
    }
  });

  it("GET /instances/{instance_ref}/console: ends with the instance; of one that is over it is what there was", async (t) => {
    const { f, uuid, log } = await open(t);
    const { got, done } = await listen(t, f, uuid);
    await appendFile(log, "last words");
    await f.call("DELETE", `/instances/${uuid}`, undefined, "alice");
    await done;
    assert.equal(got.text, "last words");
    const { text, type } = await f.ask("GET", `/instances/${uuid}/console`, undefined, "alice");
    assert.deepEqual([text, type], ["last words", TEXT]);
  });

  it("GET /instances/{instance_ref}/console: refuses lengths that are none, and who may not see it", async (t) => {
    const { f, uuid } = await open(t);
    for (const length of ["banana", 1.5, "1.5", true, [], {}]) {
      const { status, body } = await f.ask("GET", `/instances/${uuid}/console`, { length }, "alice");
      assert.deepEqual([status, (body as { error: string }).error], [400, "length is not an integer"]);
    }
    for (const [ref, as] of [
      [uuid, "bob"],
      ["nowhere", "alice"],
    ] as const) {
      const { status, body } = await f.ask("GET", `/instances/${ref}/console`, undefined, as);
      assert.deepEqual([status, (body as { error: string }).error], [404, "instance not found"]);
    }
    assert.equal((await f.ask("GET", `/instances/${uuid}/console`, undefined, null)).status, 401);
  });

  it("GET /instances/{instance_ref}/console: refuses one more than CONSOLE_STREAMS, until one of them ends", async (t) => {
    const { f, uuid } = await open(t, { CONSOLE_STREAMS: "2" });
    const [first] = await Promise.all([listen(t, f, uuid), listen(t, f, uuid)]);
    const { status, headers, got } = await listen(t, f, uuid);
    assert.deepEqual([status, headers?.["Retry-After"]], [503, "1"]);
    const { error } = JSON.parse(got.text) as { error: string };
    assert.equal(error, "node sf-1: 2 consoles are followed already; end one, or ask for consoledata");
    first.stop();
    await first.done;
    assert.equal((await listen(t, f, uuid)).status, 200);
  });

  it("GET /instances/{instance_ref}/console: more than CONSOLE_STREAMS that come at once are cut, not served", async (t) => {
    const { f, uuid } = await open(t, { CONSOLE_STREAMS: "1" });
    const request = { method: "GET", path: `/instances/${uuid}/console`, id: "request-1", body: "" };
    const authorization = await f.authorization("alice");
    const answers = await Promise.all([1, 2].map(() => f.dispatch(f.cloud, { ...request, authorization })));
    const client = new AbortController();
    t.after(() => client.abort());
    const [one, two] = answers.map(({ body }) => {
      assert.ok(typeof body === "function");
      return body(client.signal)[Symbol.asyncIterator]();
    });
    const waiting = one?.next();
    await assert.rejects(two?.next() ?? Promise.resolve(), /1 consoles are followed already/);
    client.abort();
    assert.equal((await waiting)?.done, true);
  });

  it("GET /instances/{instance_ref}/console: comes from the node that has the instance, through any", {
    timeout: 60_000,
  }, async (t) => {
    const memory = new Memory();
    const config = { API_PORT: String(await freePort()), API_ADDRESS: "127.0.0.2" };
    const here = await fakeCloud({ memory, config });
    const owner = await fakeCloud({ memory, config, node: { name: "sf-2", ip: "127.0.0.2" } });
    const listener = await openListener(owner.cloud, owner.dispatch);
    t.after(async () => {
      listener.close();
      await Promise.all([here.close(), owner.close()]);
    });
    const request = small({ placed_on: "sf-2" });
    const { uuid } = await here.call<{ uuid: string }>("POST", "/instances", request, "alice");
    const log = consoleLog(owner.cloud.config, uuid);
    const dispatch = openDispatch(here.table, openForward());
    // It is answered although there is nothing yet.
    const silent = await listen(t, { ...here, dispatch }, uuid);
    silent.stop();
    await silent.done?.catch(() => {});
    await eventually(
      "that it is let go there",
      10_000,
      () => openStreams(owner.cloud).count === 0 || undefined,
    );
    await appendFile(log, "past ");
    const { type, got, done, stop } = await listen(t, { ...here, dispatch }, uuid);
    assert.equal(type, TEXT);
    await eventually("the past", 10_000, () => got.text === "past " || undefined);
    await appendFile(log, "present");
    await eventually("the present", 10_000, () => got.text === "past present" || undefined);
    stop();
    await done?.catch(() => {});
    await eventually("the end of it there", 10_000, () => consoleWatches(owner.cloud) === 0 || undefined);
  });

  it("GET /instances/{instance_ref}/consoledata: spans rotated files, and is text however much it is", async (t) => {
    const { f, uuid, log } = await open(t);
    const old = "o".repeat(3_000_000);
    await appendFile(`${log}.1`, "lost?");
    await appendFile(`${log}.0`, old);
    await appendFile(log, "new");
    const read = (length: unknown) => f.ask("GET", `/instances/${uuid}/consoledata`, { length }, "alice");
    assert.equal((await read(5)).text, "oonew");
    const { text, type } = await read(-1);
    assert.deepEqual([text === `lost?${old}new`, type], [true, TEXT]);
    assert.equal((await read(2_000_000)).text.length, 2_000_000);
  });

  it("SHAKENFIST_CONSOLE_LOG_MIB: bounds what is answered; less than 1 is refused", async (t) => {
    const { f, uuid, log } = await open(t, { CONSOLE_LOG_MIB: "1" });
    await appendFile(log, "x".repeat(2_000_000));
    const { text } = await f.ask("GET", `/instances/${uuid}/consoledata`, { length: -1 }, "alice");
    assert.equal(text.length, 1024 * 1024);
    const refused = "SHAKENFIST_CONSOLE_LOG_MIB: '0' is less than 1";
    assert.throws(() => readConfig({ SHAKENFIST_CONSOLE_LOG_MIB: "0" }), { message: refused });
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
