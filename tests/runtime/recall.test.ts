import { strict as assert } from "node:assert";
import { after, before, beforeEach, describe, it } from "node:test";
import type { Cloud } from "#shared/cloud.ts";
import { put } from "#shared/ports/store/store.ts";
import { type HttpFunction, http } from "../../runtime/define.ts";
import { openRecall } from "../../runtime/recall.ts";
import type { Route } from "../../runtime/scan.ts";
import { type FakeCloud, fakeCloud } from "../support/fake-cloud.ts";

const KEY = "network/recalled";
let runs = 0;

const lasting = http({
  summary: "Shows a record",
  access: "namespace",
  run({ cloud }) {
    runs++;
    return cloud.store.mirror.get<object>(KEY)?.value;
  },
});
const passing = http({
  summary: "Shows something else each time",
  access: "namespace",
  run: () => ({ runs: ++runs }),
});

const routes: Route[] = [
  ["GET", "/test/record", lasting],
  ["GET", "/test/count", passing],
].map(([method, path, definition]) => ({
  method,
  path,
  file: "",
  definition: definition as HttpFunction,
})) as Route[];

describe("answers that came from the mirror", () => {
  let f: FakeCloud;
  const write = (state: string) => f.cloud.store.commit([put(KEY, { state })]);
  const read = (as: string | null = "alice", body?: unknown) => f.ask("GET", "/test/record", body, as);

  before(async () => {
    f = await fakeCloud({ routes, works: false });
    await f.authorization("alice");
    await f.authorization("bob");
  });
  beforeEach(async () => {
    await write("first");
    runs = 0;
  });
  after(() => f.close());

  it("a read that is repeated: is made once, as long as the mirror has not moved", async () => {
    for (let count = 0; count < 3; count++) assert.deepEqual((await read()).body, { state: "first" });
    assert.equal(runs, 1);
    await write("second");
    assert.deepEqual((await read()).body, { state: "second" });
    await f.cloud.store.commit([put("network/another", {})]);
    await read();
    assert.equal(runs, 3);
  });

  it("another namespace, and a body: get an answer of their own", async () => {
    await read();
    await read("bob");
    assert.equal(runs, 2);
    assert.equal((await read("alice", { unknown: 1 })).status, 400);
  });

  it("nobody, a token that is none, and one whose key is gone: are refused what was answered before", async () => {
    const path = "/test/record";
    const ask = async (authorization: string) =>
      (await f.dispatch(f.cloud, { method: "GET", path, body: "", authorization, id: "x" })).status;
    const authorization = await f.authorization("alice");
    assert.equal(await ask(authorization), 200);
    assert.equal((await read(null)).status, 401);
    assert.equal(await ask("Bearer x"), 401);
    await f.cloud.store.clear("key/alice/");
    assert.equal(await ask(authorization), 401);
  });

  it("each answer: bears the id of its own request", async () => {
    const authorization = await f.authorization("alice");
    for (const id of ["one", "two"]) {
      const answer = await f.dispatch(f.cloud, {
        method: "GET",
        path: "/test/record",
        body: "",
        authorization,
        id,
      });
      assert.equal(answer.headers?.["X-Request-ID"], id);
    }
  });

  it("answers of before the mirror moved: are let go of, and never take the place of newer ones", () => {
    let now = 1;
    const mirror = { revision: () => now };
    const cloud = { store: { mirror } } as unknown as Cloud;
    const recall = openRecall(() => ({ namespace: "alice" }));
    const request = (path: string) => ({ method: "GET", path, body: "", id: "x" });
    const keep = (path: string, revision: number) =>
      recall.keep(request(path), {
        ...{ target: lasting as HttpFunction, namespace: "alice", revision },
        answer: { status: 200, type: "", body: "" },
      });
    const isKept = (path: string) => recall.find(cloud, request(path)) !== undefined;
    keep("/old", 1);
    assert.ok(isKept("/old"));
    now = 2;
    keep("/new", 2);
    keep("/late", 1);
    assert.deepEqual(["/new", "/late", "/old"].map(isKept), [true, false, false]);
    now = 1;
    assert.deepEqual(["/late", "/old"].map(isKept), [false, false]);
  });

  it("what does not come from the mirror: is made each time", async () => {
    await f.ask("GET", "/test/count");
    assert.deepEqual((await f.ask("GET", "/test/count")).body, { runs: 2 });
  });
});
