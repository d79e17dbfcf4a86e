import { strict as assert } from "node:assert";
import { after, before, beforeEach, describe, it } from "node:test";
import { type Call, type Response, request as send } from "#shared/api/exchange.ts";
import { presenceKey } from "#shared/nodes/record.ts";
import { Memory } from "#shared/ports/store/memory.ts";
import { type Dispatch, openDispatch, type Request } from "../../runtime/dispatch.ts";
import { openForward, PASS_HEADER } from "../../runtime/forward.ts";
import { eventually } from "../support/await.ts";
import { collect } from "../support/collect.ts";
import { type FakeCloud, fakeCloud, small } from "../support/fake-cloud.ts";

const OWNER = { name: "sf-2", ip: "127.0.0.2" };

/** What one node says to another, as it goes over the wire. */
const requestOf = ({ method, path, headers, body = "" }: Call): Request => {
  const pass = headers[PASS_HEADER];
  return { method, path, body, id: "of the owner", ...(pass === undefined ? {} : { pass }) };
};

describe("a request for another node", () => {
  let here: FakeCloud;
  let owner: FakeCloud;
  let sent: Call[] = [];
  let dispatch: Dispatch;
  let instance: { uuid: string; node: string };

  const toOwner = async (call: Call): Promise<Response> => {
    sent.push(call);
    const { status, type, headers, body } = await owner.dispatch(owner.cloud, requestOf(call));
    const lower = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
    const bytes = await collect(body);
    return {
      status,
      headers: { "content-type": type, ...Object.fromEntries(lower) },
      bytes: async () => bytes,
      async *stream() {
        yield bytes;
      },
      close() {},
    };
  };

  async function ask(method: string, path: string, as = "alice", through = dispatch) {
    const authorization = await here.authorization(as);
    return through(here.cloud, { method, path, authorization, body: "", id: "of the first" });
  }

  before(async () => {
    const memory = new Memory();
    here = await fakeCloud({ memory });
    owner = await fakeCloud({ memory, node: OWNER });
    dispatch = openDispatch(here.table, openForward(toOwner));
    instance = await here.call("POST", "/instances", small({ placed_on: OWNER.name }), "alice");
    assert.equal(instance.node, OWNER.name);
  });
  beforeEach(() => {
    sent = [];
  });
  after(async () => {
    await here.close();
    await owner.close();
  });

  it("POST /instances/{instance_ref}/pause: is done by the owner, as the caller, and known here at once (fault 4)", async () => {
    const answer = await ask("POST", "/instances/guest/pause");
    assert.equal(answer.status, 200, String(answer.body));
    assert.equal(String(answer.body), "null\n");
    assert.equal((await owner.hypervisor.listDomains())[0]?.power, "paused");
    assert.equal(here.value<{ power_state: string }>(`instance/${instance.uuid}`).power_state, "paused");
    await ask("POST", "/instances/guest/unpause");
  });

  it("POST /instances/{instance_ref}/unpause: passes a refusal on, under the first node's request id", async () => {
    await ask("POST", "/instances/guest/poweroff");
    const answer = await ask("POST", "/instances/guest/pause");
    assert.equal(answer.status, 409);
    const body = JSON.parse(String(answer.body)) as { error: string; request_id: string };
    assert.match(body.error, /guest|instance/);
    assert.equal(body.request_id, "of the first");
    assert.equal(answer.headers?.["X-Request-ID"], "of the first");
  });

  it("GET /instances/{instance_ref}/consoledata: keeps its content type", async () => {
    const answer = await ask("GET", `/instances/${instance.uuid}/consoledata`);
    assert.equal(answer.status, 200);
    assert.equal(answer.type, "text/plain; charset=utf-8");
  });

  it("an instance of somebody else: is not found here, and nobody else is asked (fault 4)", async () => {
    assert.equal((await ask("POST", `/instances/${instance.uuid}/poweroff`, "bob")).status, 404);
    assert.deepEqual(sent, []);
  });

  it("what came with a pass: is never handed on again", async () => {
    const request = { method: "POST", path: `/instances/${instance.uuid}/poweroff`, body: "" };
    const caller = { namespace: "alice" };
    const pass = owner.cloud.passes.issue("sf-1", request, { caller, request_id: "x", revision: 0 });
    const answer = await dispatch(here.cloud, { ...request, pass, id: "y" });
    assert.equal(answer.status, 503);
    assert.match(String(answer.body), /node sf-1: the object is on sf-2 now/);
    assert.deepEqual(sent, []);
  });

  it("a pass: is good for its node and its request only, and is no token; a token is no pass (fault 9)", async () => {
    const request = { method: "POST", path: `/instances/${instance.uuid}/poweroff`, body: "" };
    const caller = { namespace: "system" };
    const issued = { caller, request_id: "x", revision: 0 };
    const statusOf = async (more: Partial<Request>) =>
      (await owner.dispatch(owner.cloud, { ...request, id: "z", ...more })).status;
    const good = here.cloud.passes.issue("sf-2", request, issued);
    const token = await here.authorization("system");
    assert.equal(await statusOf({ pass: good }), 200);
    assert.equal(await statusOf({ pass: good, path: "/instances/other/poweroff" }), 401);
    assert.equal(await statusOf({ pass: good, method: "GET", path: "/nodes" }), 401);
    assert.equal(await statusOf({ pass: good, body: "{}" }), 401);
    assert.equal(await statusOf({ pass: here.cloud.passes.issue("sf-3", request, issued) }), 401);
    assert.equal(await statusOf({ pass: token.replace("Bearer ", "") }), 401);
    assert.equal(await statusOf({ pass: "" }), 401);
    assert.equal(await statusOf({ authorization: `Bearer ${good}` }), 401);
    assert.equal(await statusOf({ authorization: "Bearer x", pass: "x" }), 401);
  });

  it("an owner that refuses connections: is named in a 503 that may be tried again", async () => {
    const real = openDispatch(
      here.table,
      openForward((call) => toClosedPort(call)),
    );
    const answer = await ask("POST", "/instances/guest/poweron", "alice", real);
    assert.equal(answer.status, 503);
    assert.match(String(answer.body), /node sf-2: holds the object and did not answer: .*ECONNREFUSED/);
    assert.equal(answer.headers?.["Retry-After"], "1");
  });

  it("an owner that hangs: is waited for until its lease ends, and not asked after that", async () => {
    const hanging = openDispatch(
      here.table,
      openForward(
        (call) =>
          new Promise((_, reject) => {
            sent.push(call);
            call.signal?.addEventListener("abort", () => reject(new Error("aborted")));
          }),
      ),
    );
    const asked = ask("POST", "/instances/guest/poweron", "alice", hanging);
    await eventually("the owner is asked", 5000, () => sent.length === 1 || undefined);
    await owner.cloud.presence.close();
    const isGone = () => here.cloud.store.mirror.get(presenceKey("sf-2")) === undefined || undefined;
    assert.ok(await here.cloud.store.mirror.until("presence/", isGone, 5000));
    for (const answer of [await asked, await ask("POST", "/instances/guest/poweron", "alice", hanging)]) {
      assert.equal(answer.status, 503);
      assert.match(String(answer.body), /node sf-2: holds the object and is away/);
    }
    assert.equal(sent.length, 1);
  });
});

const toClosedPort = (call: Call): Promise<Response> =>
  send({ ...call, base: new URL("http://127.0.0.1:1") });
