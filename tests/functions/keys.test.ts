import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import { type Asked, type FakeCloud, fakeCloud } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

const KEYS = "/auth/namespaces/one/keys";
const NOWHERE = "/auth/namespaces/nowhere/keys";
const NO_NAMESPACE = "namespace does not exist";

describe("keys", () => {
  let f: FakeCloud;
  before(async () => {
    f = await fakeCloud();
    await f.call("POST", "/auth/namespaces", { namespace: "one" });
  });
  after(() => f.close());

  const add = (key_name: string, key: string, more = {}) => f.call("POST", KEYS, { key_name, key, ...more });
  const names = () => f.call<string[]>("GET", KEYS);
  const login = (key: string): Promise<Asked> => f.ask("POST", "/auth", { namespace: "one", key }, null);
  const tokenOf = async (key: string) => ((await login(key)).body as { access_token: string }).access_token;
  const opens = async (token: string) => {
    const asked = { method: "GET", path: "/instances", body: "", id: "1" };
    return (await f.dispatch(f.cloud, { ...asked, authorization: `Bearer ${token}` })).status === 200;
  };
  const claimsOf = (token: string): { exp: number; iat: number } =>
    JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());

  it("POST …/keys: many, each opens, none is kept in clear (fault 9)", async () => {
    assert.equal(await add("k", "first secret"), "k");
    assert.equal(await add("l", "second secret"), "l");
    assert.deepEqual(await names(), ["k", "l"]);
    for (const key of ["first secret", "second secret"]) assert.equal((await login(key)).status, 200);
    assert.doesNotMatch(JSON.stringify([...f.everything()]), /(first|second) secret/);
  });

  it("POST …/keys: again, replaces the key and ends its tokens", async () => {
    const token = await tokenOf("second secret");
    assert.ok(await opens(token));
    assert.equal(await add("l", "third secret"), "l");
    assert.equal(await opens(token), false);
    assert.equal((await login("second secret")).status, 401);
    assert.ok(await opens(await tokenOf("third secret")));
  });

  it("PUT …/keys/{key_name}: replaces the key and ends its tokens", async () => {
    const token = await tokenOf("third secret");
    assert.equal(await f.call("PUT", `${KEYS}/l`, { key: "fourth secret" }), "l");
    assert.equal(await opens(token), false);
    assert.equal((await login("third secret")).status, 401);
    assert.equal((await login("fourth secret")).status, 200);
  });

  it("DELETE …/keys/{key_name}: its tokens are over, those of the others are not (fault 15)", async () => {
    const [kept, gone] = [await tokenOf("first secret"), await tokenOf("fourth secret")];
    assert.equal(await f.call("DELETE", `${KEYS}/l`), null);
    assert.deepEqual(await names(), ["k"]);
    assert.deepEqual([await opens(kept), await opens(gone)], [true, false]);
    await refuses(f, ["DELETE", `${KEYS}/l`], 404, "key name not found in namespace");
  });

  it("POST …/keys: with an end; the key and its tokens are over with it", async () => {
    const expires = f.cloud.clock.now() + 300;
    await add("short", "short-lived", { expires });
    const token = await tokenOf("short-lived");
    assert.ok(claimsOf(token).exp <= expires);
    assert.ok(await opens(token));
    f.clock.advance(301);
    assert.equal(await opens(token), false);
    assert.equal((await login("short-lived")).status, 401);
    assert.deepEqual(await names(), ["k", "short"]);
  });

  it("PUT …/keys/{key_name}: without an end, has none; one in a year does not lengthen a token", async () => {
    assert.equal(await f.call("PUT", `${KEYS}/short`, { key: "long-lived" }), "short");
    f.clock.advance(10_000);
    assert.equal((await login("long-lived")).status, 200);
    await f.call("PUT", `${KEYS}/short`, { key: "a year", expires: f.cloud.clock.now() + 31_536_000 });
    const { exp, iat } = claimsOf(await tokenOf("a year"));
    assert.equal(exp - iat, 900);
  });

  it("POST …/keys: a hundred are the most, so that one transaction can end them", async (t) => {
    const g = await fakeCloud();
    t.after(() => g.close());
    await g.call("POST", "/auth/namespaces", { namespace: "one" });
    await g.call("POST", KEYS, { key_name: "k", key: "x" });
    const record = g.value<object>("key/one/k");
    await g.cloud.store.commit(
      Array.from({ length: 99 }, (_, index) => ({ key: `key/one/k${index}`, write: { put: record } })),
    );
    const words = "namespace one: has 100 keys, which is the most";
    await refuses(g, ["POST", KEYS, { key_name: "more", key: "x" }], 400, words);
    await g.call("POST", KEYS, { key_name: "k7", key: "replaced" });
    await g.call("DELETE", "/auth/namespaces/one");
    assert.deepEqual(
      [...g.everything().keys()].filter((key) => key.startsWith("key/one/")),
      [],
    );
  });

  const past = { key_name: "n", key: "x", expires: 1 };
  const RULE = "key_name must be 1 to 63 letters, digits, '.', '_' or '-'";
  const NUMBER = "expires must be a number of seconds since 1970";
  const refused: [method: string, path: string, unknown, number, string][] = [
    ["GET", NOWHERE, undefined, 404, NO_NAMESPACE],
    ["POST", KEYS, undefined, 400, "no key name specified"],
    ["POST", KEYS, { key: "x" }, 400, "no key name specified"],
    ["POST", KEYS, { key_name: "", key: "x" }, 400, "no key name specified"],
    ["POST", KEYS, { key_name: 7, key: "x" }, 400, "key_name is not a string"],
    ["POST", KEYS, { key_name: "a/b", key: "x" }, 400, RULE],
    ["POST", KEYS, { key_name: "..", key: "x" }, 400, RULE],
    ["POST", KEYS, { key_name: "n" }, 400, "no key specified"],
    ["POST", KEYS, { key_name: "n", key: null }, 400, "no key specified"],
    ["POST", KEYS, { key_name: "n", key: ["x"] }, 400, "key is not a string"],
    ["POST", KEYS, { key_name: "n", key: "x".repeat(1025) }, 400, "key: longer than 1024 bytes"],
    ["POST", KEYS, { key_name: "n", key: "x", expires: "soon" }, 400, NUMBER],
    ["POST", KEYS, past, 400, "expires lies in the past"],
    ["POST", KEYS, { key_name: "service_key", key: "x" }, 403, "illegal key name"],
    ["POST", NOWHERE, { key_name: "n", key: "x" }, 404, NO_NAMESPACE],
    ["PUT", `${KEYS}/k`, undefined, 400, "no key specified"],
    ["PUT", `${KEYS}/k`, { key: 7 }, 400, "key is not a string"],
    ["PUT", `${KEYS}/k`, { key: "x", key_name: "l" }, 400, "unknown argument 'key_name'"],
    ["PUT", `${KEYS}/service_key`, { key: "x" }, 403, "illegal key name"],
    ["PUT", `${KEYS}/none`, { key: "x" }, 404, "key does not exist"],
    ["PUT", `${NOWHERE}/k`, { key: "x" }, 404, NO_NAMESPACE],
    ["DELETE", `${KEYS}/none`, undefined, 404, "key name not found in namespace"],
    ["DELETE", `${KEYS}/service_key`, undefined, 404, "key name not found in namespace"],
    ["DELETE", `${NOWHERE}/k`, undefined, 404, NO_NAMESPACE],
  ];
  for (const [method, path, body, status, words] of refused) {
    it(`${method} ${path}: ${JSON.stringify(body)?.slice(0, 50)} is refused`, () =>
      refuses(f, [method, path, body], status, words));
  }
});
