import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import { z } from "zod";
import { CloudError } from "#shared/errors.ts";
import { type HttpFunction, http, PlainText } from "../../runtime/define.ts";
import type { Route } from "../../runtime/scan.ts";
import { type FakeCloud, fakeCloud } from "../support/fake-cloud.ts";

const phases: string[] = [];
const say = <T>(words: string, answer?: T): T => {
  phases.push(words);
  return answer as T;
};

const definitions: Record<string, HttpFunction<never, never, never>> = {
  "/test/phases/[thing]": http({
    summary: "Every phase",
    access: "namespace",
    input: z.strictObject({
      refuse: z
        .boolean()
        .optional()
        .transform((it) => say("input", it)),
    }),
    async find({ params, caller }) {
      say(`find ${params.thing} as ${caller.namespace}`);
      return params.thing;
    },
    node: (found, cloud) => say("node", found === "elsewhere" ? "sf-2" : cloud.node.name),
    lock: (found) => say("lock", `test/${found}`),
    run({ cloud, found, input }) {
      const held = cloud.store.mirror.get<{ operation: string }>(`lock/test/${found}`);
      say(`run under ${held?.value.operation}`);
      if (input.refuse) throw new CloudError("conflict", "thing x: refuses");
      return { found };
    },
    view: (result) => say("view", { seen: result }),
  }),
  "/test/broken": http({
    summary: "Breaks",
    access: "anyone",
    run() {
      throw new TypeError("a secret of the inside");
    },
  }),
  "/test/anyone": http({ summary: "Greets", access: "anyone", run: () => new PlainText("hello") }),
  "/test/system": http({ summary: "For system", access: "system", run: ({ caller }) => caller.namespace }),
  "/test/endless": http({ summary: "Hangs", access: "anyone", run: () => new Promise(() => {}) }),
  "/test/nothing": http({ summary: "Says nothing", access: "namespace", run: () => undefined }),
  "/test/worded": http({
    summary: "Fails with an object",
    access: "anyone",
    run() {
      throw new CloudError("forbidden", "words", { detail: { error: { deleted: [], unable: ["x"] } } });
    },
  }),
} as never;

const routes: Route[] = Object.entries(definitions).map(([path, definition]) => ({
  method: "POST",
  path,
  file: "",
  definition: definition as unknown as HttpFunction,
}));

describe("dispatch", () => {
  let f: FakeCloud;
  before(async () => {
    f = await fakeCloud({ routes });
  });
  after(() => f.close());

  const run = async (path: string, body?: unknown, as?: string | null) => {
    phases.length = 0;
    return f.ask("POST", path, body, as);
  };

  it("a request: passes the phases in their order", async () => {
    const { status, text, type } = await run("/test/phases/x", {}, "alice");
    assert.deepEqual(phases, [
      "input",
      "find x as alice",
      "node",
      "lock",
      "run under POST /test/phases/x",
      "view",
    ]);
    assert.deepEqual([status, text, type], [200, '{"seen":{"found":"x"}}\n', "application/json"]);
    assert.equal(f.cloud.store.mirror.get("lock/test/x"), undefined);
  });

  it("a request: that takes longer than API_TIMEOUT is answered", async () => {
    const hasty = { ...f.cloud, config: { ...f.cloud.config, API_TIMEOUT: 0.05 } };
    const asked = { method: "POST", path: "/test/endless", body: "", id: "1" };
    const { status, body } = await f.dispatch(hasty, asked);
    assert.equal(status, 503);
    assert.match(String(body), /request: not done after 0.05 s/);
  });

  it("a request: of a stranger ends before its body is looked at", async () => {
    assert.equal((await run("/test/phases/x", "[1]", null)).status, 401);
    assert.deepEqual(phases, []);
  });

  it("a request: with a bad body ends before anything is looked for", async () => {
    assert.equal((await run("/test/phases/x", { more: 1 })).status, 400);
    assert.deepEqual(phases.includes("find x as system"), false);
  });

  it("a request: the lock is released also after a failure (fault 16)", async () => {
    const { status, body } = await run("/test/phases/x", { refuse: true });
    assert.deepEqual(
      [status, body],
      [409, { error: "thing x: refuses", status: 409, request_id: "request-1" }],
    );
    assert.equal(f.cloud.store.mirror.get("lock/test/x"), undefined);
    assert.equal((await run("/test/phases/x", {})).status, 200);
  });

  it("a request: two of one lock run one after the other", async () => {
    const answers = await Promise.all([run("/test/phases/x", {}), run("/test/phases/x", {})]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    );
  });

  it("a request: for another node's object does not run here", async () => {
    const { status, body, headers } = await run("/test/phases/elsewhere", {});
    assert.equal(status, 503);
    assert.match((body as { error: string }).error, /^node sf-2: /);
    assert.equal(headers["Retry-After"], "1");
    assert.deepEqual(phases.at(-1), "node");
  });

  it("an answer: nothing is null, text is text", async () => {
    const nothing = await run("/test/nothing");
    assert.deepEqual([nothing.status, nothing.text, nothing.type], [200, "null\n", "application/json"]);
    const text = await run("/test/anyone", undefined, null);
    assert.deepEqual([text.status, text.text, text.type], [200, "hello", "text/plain; charset=utf-8"]);
  });

  it("an answer: what is not for the world is 500 without its words", async () => {
    const { status, body, text } = await run("/test/broken", undefined, null);
    assert.deepEqual([status, body], [500, { error: "server error", status: 500, request_id: "request-1" }]);
    assert.doesNotMatch(text, /secret/);
  });

  it("an answer: traces are told where the site asks for them", async () => {
    const open = await fakeCloud({ routes, config: { INCLUDE_TRACEBACKS: "true" } });
    const { body } = await open.ask("POST", "/test/broken", undefined, null);
    assert.match((body as { traceback: string }).traceback, /TypeError: a secret of the inside\n\s+at /);
    await open.close();
  });

  it("an answer: an error may be an object", async () => {
    const { status, body } = await run("/test/worded", undefined, null);
    assert.equal(status, 403);
    assert.deepEqual((body as { error: unknown }).error, { deleted: [], unable: ["x"] });
  });

  it("system: others are unauthorized", async () => {
    assert.equal((await run("/test/system", undefined, "system")).body, "system");
    const { status, body } = await run("/test/system", undefined, "alice");
    assert.deepEqual([status, (body as { error: string }).error], [401, "unauthorized"]);
  });

  it("an unknown path: is an HTML page, with and without a token", async () => {
    for (const as of ["system", null]) {
      const { status, type, text } = await f.ask("GET", "/nowhere", undefined, as);
      assert.deepEqual([status, type], [404, "text/html; charset=utf-8"]);
      assert.match(text, /^<!doctype html>/);
    }
  });

  it("a wrong method: is told in the words of old", async () => {
    const { status, body } = await f.ask("PUT", "/instances", undefined, null);
    assert.deepEqual([status, body], [405, { message: "The method is not allowed for the requested URL." }]);
  });

  it("HEAD and OPTIONS: are empty where there is something", async () => {
    for (const method of ["HEAD", "OPTIONS"]) {
      const { status, text } = await f.ask(method, "/instances", undefined, null);
      assert.deepEqual([status, text], [200, ""]);
      assert.equal((await f.ask(method, "/nowhere", undefined, null)).status, 404);
    }
  });

  it("a variable: that cannot be decoded is 400", async () => {
    assert.equal((await f.ask("GET", "/instances/%zz")).status, 400);
  });
});

describe("dispatch: tokens", () => {
  let f: FakeCloud;
  before(async () => {
    f = await fakeCloud();
  });
  after(() => f.close());

  async function refusal(authorization: string | undefined): Promise<string> {
    const answer = await f.dispatch(f.cloud, {
      method: "GET",
      path: "/instances",
      body: "",
      id: "request-2",
      ...(authorization === undefined ? {} : { authorization }),
    });
    assert.equal(answer.status, 401);
    return (JSON.parse(String(answer.body)) as { error: string }).error;
  }

  it("no header: is missing", async () => {
    assert.equal(await refusal(undefined), "Missing Authorization Header");
    assert.equal(await refusal(""), "Missing Authorization Header");
  });

  it("another scheme: is a bad header", async () => {
    const good = (await f.authorization("alice")).slice("Bearer ".length);
    for (const bad of [good, `bearer ${good}`, `Basic ${good}`, `Bearer ${good} x`, `Bearer  ${good}`])
      assert.match(await refusal(bad), /^Bad Authorization header/, bad.slice(0, 10));
  });

  it("a forged, cut or unsigned token: is invalid", async () => {
    const [head = "", claims = "", signature = ""] = (await f.authorization("alice")).split(".");
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
    const system = Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(claims, "base64url").toString()), identity: "system" }),
    ).toString("base64url");
    for (const bad of [
      "Bearer x",
      `${head}.${claims}`,
      `${head}.${claims}.`,
      `${head}.${system}.${signature}`,
      `Bearer ${none}.${system}.`,
      `Bearer ${none}.${system}.${signature}`,
    ])
      assert.equal(await refusal(bad), "invalid JWT in Authorization header", bad);
  });

  it("a token: dies with its key, and with its key's replacement", async () => {
    const header = await f.authorization("alice");
    const entry = f.cloud.store.mirror.get<object>("key/alice/fake");
    await f.cloud.store.commit([{ key: "key/alice/fake", write: { put: { ...entry?.value, id: "new" } } }]);
    assert.equal(await refusal(header), "the key of this token is gone");
    await f.cloud.store.clear("key/alice/");
    assert.equal(await refusal(header), "the key of this token is gone");
  });

  it("a token of 16 minutes ago: has expired", async (t) => {
    const header = await f.authorization("bob");
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() + 16 * 60 * 1000 });
    assert.equal(await refusal(header), "Signature has expired");
  });
});

describe("dispatch: while the store is away", () => {
  it("reads: are answered with their age, changes and doubts are 503", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    const network = await f.call<{ uuid: string }>("POST", "/networks", { netblock: "10.0.0.0/24" });
    await f.idle();
    f.memory.kill();
    await f.ask("GET", "/networks/unknown");
    t.mock.method(f.cloud.store.mirror, "stale_ms", () => 3210);

    const list = await f.ask("GET", "/networks");
    assert.equal((list.body as unknown[]).length, 1);
    assert.equal(list.headers.Age, "3");
    assert.equal((await f.ask("GET", `/networks/${network.uuid}`)).status, 200);
    for (const [method, path, body] of [
      ["GET", "/networks/unknown", {}],
      ["GET", `/networks/${network.uuid}/events`, {}],
      ["DELETE", `/networks/${network.uuid}`, {}],
      ["POST", "/networks", { netblock: "10.1.0.0/24" }],
      ["POST", "/auth", { namespace: "system", key: "wrong" }],
    ] as const) {
      const { status, headers } = await f.ask(method, path, body);
      assert.deepEqual([status, headers["Retry-After"], headers.Age], [503, "1", "3"], path);
    }
    f.memory.revive();
  });

  it("events: are not waited for", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    const { uuid } = await f.call<{ uuid: string }>("POST", "/networks", { netblock: "10.0.0.0/24" });
    await f.idle();
    f.memory.kill();
    f.cloud.events.record("network", uuid, { operation: "late", phase: null });
    assert.equal((await f.ask("GET", `/networks/${uuid}/events`)).status, 503);
    f.memory.revive();
    const back = () => f.cloud.store.mirror.stale_ms() === 0 || undefined;
    await new Promise<void>((resolve) => (back() ? resolve() : f.cloud.store.mirror.onReturn(resolve)));
    const events = await f.call<{ operation: string }[]>("GET", `/networks/${uuid}/events`);
    assert.equal(events.at(-1)?.operation, "late");
  });
});
