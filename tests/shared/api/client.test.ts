import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { test } from "node:test";
import { ApiClient } from "#shared/api/client.ts";
import { ApiError, ConnectionError } from "#shared/api/errors.ts";
import type { SessionOptions } from "#shared/api/session.ts";
import { type FakeApi, startApi } from "../../cli/api-server.ts";
import { instance } from "../../cli/samples.ts";

function clientOf(api: { url: string }, options: Partial<SessionOptions> = {}): ApiClient {
  return new ApiClient({ url: api.url, namespace: "alice", key: "s3cret", ...options });
}

test("calls: share one login, also when made at once", async () => {
  await using api = await startApi({ "GET /instances": { json: [] }, "GET /networks": { json: [] } });
  const client = clientOf(api);
  assert.equal(api.logins, 0);
  await Promise.all([client.listInstances(), client.listNetworks(), client.listInstances(true)]);
  await client.listNetworks();
  assert.equal(api.logins, 1);
  assert.deepEqual(new Set(api.seen.map((seen) => seen.authorization)), new Set(["Bearer token-1"]));
});

test("calls refused at once with 401: log in again once for all", async () => {
  await using api = await startApi({
    "GET /instances": ({ authorization }) =>
      authorization === "Bearer token-1" ? { status: 401, json: {} } : { json: [] },
  });
  const client = clientOf(api);
  await Promise.all([client.listInstances(), client.listInstances(), client.listInstances()]);
  assert.equal(api.logins, 2);
});

test("a login that failed: is tried again by the next call", async () => {
  await using api = await startApi({ "POST /auth": { status: 503, json: { error: "away" } } });
  const client = clientOf(api);
  await assert.rejects(client.listNodes(), {
    name: "ApiError",
    status: 401,
    message: "login answered 503: away",
  });
  api.routes = { "GET /nodes": { json: [] } };
  assert.deepEqual(await client.listNodes(), []);
});

test("an error answer: gives status, text, data and body", async () => {
  const error = { deleted: [], unable: ["n"] };
  await using api = await startApi({ "DELETE /networks": { status: 403, json: { error, status: 403 } } });
  const refused = await clientOf(api)
    .deleteAllNetworks("alice")
    .catch((it: unknown) => it);
  assert.ok(refused instanceof ApiError);
  assert.equal(refused.status, 403);
  assert.equal(refused.message, JSON.stringify(error));
  assert.deepEqual(refused.detail, error);
  assert.equal(refused.raw, JSON.stringify({ error, status: 403 }));
});

test("an API below a path, given with trailing slashes: is met there", async () => {
  await using api = await startApi({
    "POST /sf/auth": { json: { access_token: "t" } },
    "GET /sf/nodes": { json: [] },
  });
  assert.deepEqual(await clientOf({ url: `${api.url}/sf//` }).listNodes(), []);
});

test("references: are one path segment, whatever they hold", async () => {
  await using api = await startApi({ "GET /instances/a%2Fb%3Fc%20d": { json: instance } });
  const client = clientOf(api);
  assert.equal((await client.getInstance("a/b?c d"))?.uuid, "i-1");
  for (const reference of ["", ".", ".."])
    await assert.rejects(async () => client.deleteInstance(reference), ApiError);
});

test("a list that is null: is empty; one that is an object: is refused", async () => {
  await using api = await startApi({ "GET /nodes": { json: null }, "GET /networks": { json: {} } });
  assert.deepEqual(await clientOf(api).listNodes(), []);
  await assert.rejects(clientOf(api).listNetworks(), ConnectionError);
});

test("a server that never answers: is given up at the deadline", async () => {
  await using api = await silentServer(() => undefined);
  await assert.rejects(clientOf(api, { deadline_ms: 50 }).listNodes(), /no answer within 0.05 s/);
});

test("an answer that never ends: is given up at the deadline", async () => {
  await using api = await silentServer((_, response) => response.write('{"access_token":'));
  await assert.rejects(clientOf(api, { deadline_ms: 50 }).listNodes(), ConnectionError);
});

test("an answer cut short: is a ConnectionError", async () => {
  await using api = await silentServer((_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("{", () => response.destroy());
  });
  await assert.rejects(clientOf(api).listNodes(), ConnectionError);
});

test("an answer beyond the limit: is refused", async () => {
  await using api = await startApi({ "GET /nodes": { json: "x".repeat(1000) } });
  await assert.rejects(clientOf(api, { max_bytes: 500 }).listNodes(), /larger than 500 bytes/);
});

test("awaitCreated: asks until it is over, or gives what there is when the time is up", async () => {
  const states = ["creating", "created"];
  await using api = await startApi({
    "GET /instances/i-1": () => ({ json: { ...instance, state: states.shift() ?? "creating" } }),
  });
  const initial = { ...instance, state: "initial" };
  assert.equal((await clientOf(api).awaitCreated(initial)).state, "created");
  assert.equal((await clientOf(api).awaitCreated(initial, 0)).state, "initial");
  assert.equal((await clientOf(api).awaitCreated(instance)).state, "created");
});

test("awaitDeleted: takes deleted, error and not found for gone, and no other refusal", async () => {
  for (const json of [{ ...instance, state: "deleted" }, { ...instance, state: "error" }, null]) {
    await using api = await startApi({ "GET /instances/i-1": { json } });
    assert.equal(await clientOf(api).awaitDeleted("i-1"), true);
  }
  await using api = await startApi({});
  assert.equal(await clientOf(api).awaitDeleted("i-1"), true);
  api.routes = { "GET /instances/i-1": { json: instance } };
  assert.equal(await clientOf(api).awaitDeleted("i-1", 10), false);
  api.routes = { "GET /instances/i-1": { status: 503, json: { error: "away" } } };
  await assert.rejects(clientOf(api).awaitDeleted("i-1"), { status: 503 });
});

async function silentServer(listener: RequestListener): Promise<Pick<FakeApi, "url"> & AsyncDisposable> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
