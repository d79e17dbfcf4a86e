import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import type { Network } from "#shared/api/types.ts";
import type { Cloud } from "#shared/cloud.ts";
import type { Store } from "#shared/ports/store/store.ts";
import { type FakeCloud, fakeCloud, small } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

const BLOCK = { netblock: "10.0.0.0/24", name: "net" };
const NO_NAMESPACE = "namespace does not exist";

/** As through a node whose first transaction is overtaken. */
function overtaken(cloud: Cloud, by: () => Promise<unknown>): Cloud {
  const { store } = cloud;
  let isFirst = true;
  const slow: Pick<Store, "mirror" | "get" | "list" | "commit"> = {
    mirror: store.mirror,
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    async commit(changes) {
      if (isFirst) {
        isFirst = false;
        await by();
      }
      return store.commit(changes);
    },
  };
  return { ...cloud, store: slow as Store };
}

describe("namespaces", () => {
  let f: FakeCloud;
  before(async () => {
    f = await fakeCloud();
  });
  after(() => f.close());

  const make = (namespace: string) => f.call("POST", "/auth/namespaces", { namespace });
  const list = () => f.call<string[]>("GET", "/auth/namespaces");
  const login = async (namespace: string, key: string) =>
    (await f.ask("POST", "/auth", { namespace, key }, null)).status;

  it("POST /auth/namespaces: answers the name, and the name is listed", async () => {
    assert.equal(await make("one"), "one");
    assert.deepEqual(
      (await list()).filter((name) => ["one", "system"].includes(name)),
      ["one", "system"],
    );
    assert.deepEqual(f.value("namespace/one"), { name: "one", metadata: {} });
  });

  it("POST /auth/namespaces: with a key, which opens it; empty ones are none", async () => {
    const body = { namespace: "two", key_name: "k", key: "secret of two" };
    assert.equal(await f.call("POST", "/auth/namespaces", body), "two");
    assert.equal(await login("two", "secret of two"), 200);
    await f.call("POST", "/auth/namespaces", { namespace: "empty", key_name: "", key: null });
    assert.deepEqual(await f.call("GET", "/auth/namespaces/empty/keys"), []);
  });

  it("POST /auth/namespaces: one that exists keeps its metadata and its keys (fault 47)", async () => {
    const first = { namespace: "kept", key_name: "k", key: "first" };
    await f.call("POST", "/auth/namespaces", first);
    await f.call("PUT", "/auth/namespaces/kept/metadata/who", { value: "me" });
    assert.equal(await make("kept"), "kept");
    await f.call("POST", "/auth/namespaces", { ...first, key_name: "l", key: "second" });
    assert.deepEqual(await f.call("GET", "/auth/namespaces/kept/metadata"), { who: "me" });
    assert.deepEqual(await f.call("GET", "/auth/namespaces/kept/keys"), ["k", "l"]);
    assert.equal(await login("kept", "first"), 200);
  });

  it("POST /auth/namespaces: takes what may stand in a path (fault 48)", async () => {
    for (const name of ["A.b_c-9", "...", "-", "x".repeat(63)]) {
      assert.equal(await make(name), name);
      await f.call("DELETE", `/auth/namespaces/${name}`);
    }
  });

  const RULE = "namespace must be 1 to 63 letters, digits, '.', '_' or '-'";
  const refused: [unknown, number, string][] = [
    [undefined, 400, "no namespace specified"],
    [{ namespace: null }, 400, "no namespace specified"],
    [{ namespace: "" }, 400, "no namespace specified"],
    [{ namespace: 7 }, 400, "namespace is not a string"],
    [{ namespace: "a/b" }, 400, RULE],
    [{ namespace: ".." }, 400, RULE],
    [{ namespace: "." }, 400, RULE],
    [{ namespace: "ä" }, 400, RULE],
    [{ namespace: "a\n" }, 400, RULE],
    [{ namespace: "x".repeat(64) }, 400, RULE],
    [{ namespace: "n", key_name: "k" }, 400, "no key specified"],
    [{ namespace: "n", key_name: "k", key: "" }, 400, "no key specified"],
    [{ namespace: "n", key_name: "k", key: 7 }, 400, "key is not a string"],
    [{ namespace: "n", key: "x" }, 400, "no key name specified"],
    [{ namespace: "n", key_name: 7, key: "x" }, 400, "key_name is not a string"],
    [
      { namespace: "n", key_name: "a/b", key: "x" },
      400,
      "key_name must be 1 to 63 letters, digits, '.', '_' or '-'",
    ],
    [{ namespace: "n", key_name: "service_key", key: "x" }, 403, "illegal key name"],
    [{ namespace: "n", key_nam: "k" }, 400, "unknown argument 'key_nam'; did you mean 'key_name'?"],
  ];
  for (const [body, status, words] of refused) {
    it(`POST /auth/namespaces: ${JSON.stringify(body)?.slice(0, 60)} is refused`, () =>
      refuses(f, ["POST", "/auth/namespaces", body], status, words));
  }

  it("every call on namespaces: is for system alone", async () => {
    for (const { method, path, definition } of f.table.routes) {
      if (/^\/(auth\/|admin\/)/.test(path)) assert.equal(definition.access, "system", `${method} ${path}`);
    }
    await refuses(f, ["GET", "/auth/namespaces", undefined, "alice"], 401, "unauthorized");
  });

  it("DELETE /auth/namespaces/{namespace}: goes with all its keys, and their tokens are over (fault 15)", async () => {
    const before = f.everything();
    await make("gone");
    for (const name of ["k", "l"])
      await f.call("POST", "/auth/namespaces/gone/keys", { key_name: name, key: name });
    const { access_token } = await f.call<{ access_token: string }>(
      "POST",
      "/auth",
      { namespace: "gone", key: "k" },
      null,
    );
    assert.equal(await f.call("DELETE", "/auth/namespaces/gone"), null);
    assert.deepEqual(f.everything(), before);
    assert.equal(await login("gone", "k"), 401);
    const asked = { method: "GET", path: "/instances", body: "", id: "1" };
    const answer = await f.dispatch(f.cloud, { ...asked, authorization: `Bearer ${access_token}` });
    assert.equal(answer.status, 401);
    assert.match(String(answer.body), /the key of this token is gone/);
  });

  it("DELETE /auth/namespaces/{namespace}: one that there is not is fine; its parts are 404 (fault 47)", async () => {
    assert.equal(await f.call("DELETE", "/auth/namespaces/never"), null);
    for (const part of ["keys", "metadata"])
      await refuses(f, ["GET", `/auth/namespaces/never/${part}`], 404, NO_NAMESPACE);
    await refuses(f, ["DELETE", "/auth/namespaces/never/metadata/x"], 404, NO_NAMESPACE);
  });

  it("DELETE /auth/namespaces/{namespace}: refuses system, and what is lived in", async () => {
    await refuses(f, ["DELETE", "/auth/namespaces/system"], 403, "you cannot delete the system namespace");
    const network = await f.call<Network>("POST", "/networks", BLOCK, "carol");
    const remove = ["DELETE", "/auth/namespaces/carol"] as const;
    await refuses(f, [...remove], 400, "you cannot delete a namespace with networks");
    const { uuid } = await f.call<Network>("POST", "/instances", small(), "carol");
    await refuses(f, [...remove], 400, "you cannot delete a namespace with instances");
    await f.call("DELETE", `/instances/${uuid}`, undefined, "carol");
    await f.call("DELETE", `/networks/${network.uuid}`, undefined, "carol");
    assert.equal(await f.call(...remove), null);
    assert.deepEqual(
      [...f.everything().keys()].filter((key) => key.includes("/carol")),
      [],
    );
  });

  it("DELETE /auth/namespaces/{namespace}: system's own path variable counts, not the body (fault 13)", () =>
    refuses(
      f,
      ["DELETE", "/auth/namespaces/one", { namespace: "two" }],
      400,
      /^unknown argument 'namespace'/,
    ));

  for (const [what, path, body] of [
    ["a network", "/networks", BLOCK],
    ["an instance", "/instances", small()],
  ] as const) {
    it(`DELETE /auth/namespaces/{namespace}: overtaken by the making of ${what}, refuses`, async (t) => {
      const other = await fakeCloud({ memory: f.memory, node: { name: "sf-2", ip: "10.255.0.2" } });
      t.after(() => other.close());
      const namespace = `busy-${path.slice(1)}`;
      await make(namespace);
      const late = overtaken(f.cloud, () => other.call("POST", path, { ...body, namespace }));
      const authorization = await f.authorization("system");
      const asked = { method: "DELETE", path: `/auth/namespaces/${namespace}`, body: "", id: "1" };
      const answer = await f.dispatch(late, { ...asked, authorization });
      assert.equal(answer.status, 400, String(answer.body));
      assert.match(String(answer.body), new RegExp(`you cannot delete a namespace with ${path.slice(1)}`));
      assert.ok((await list()).includes(namespace));
    });

    it(`POST ${path}: overtaken by the deletion of its namespace, is 404 and leaves nothing`, async () => {
      const namespace = `brief-${path.slice(1)}`;
      await make(namespace);
      const late = overtaken(f.cloud, () => f.call("DELETE", `/auth/namespaces/${namespace}`));
      const authorization = await f.authorization("system");
      const asked = { method: "POST", path, body: JSON.stringify({ ...body, namespace }), id: "1" };
      const before = f.everything().size;
      const answer = await f.dispatch(late, { ...asked, authorization });
      assert.equal(answer.status, 404, String(answer.body));
      assert.match(String(answer.body), new RegExp(NO_NAMESPACE));
      assert.equal(f.everything().size, before - 1);
    });
  }

  it("DELETE /auth/namespaces/{namespace}: overtaken by a new key, takes that with it", async () => {
    await make("keyed");
    const late = overtaken(f.cloud, () =>
      f.call("POST", "/auth/namespaces/keyed/keys", { key_name: "k", key: "late" }),
    );
    const authorization = await f.authorization("system");
    const asked = { method: "DELETE", path: "/auth/namespaces/keyed", body: "", id: "1" };
    assert.equal((await f.dispatch(late, { ...asked, authorization })).status, 200);
    assert.equal(f.everything().has("key/keyed/k"), false);
  });
});
