import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { readConfig } from "#shared/config.ts";
import { signingSecret } from "#shared/namespaces/secret.ts";
import { setKey } from "#shared/namespaces/set-key.ts";
import { fakeCloud } from "../../support/fake-cloud.ts";

describe("what an installer sets", () => {
  it("setKey: adds or replaces one key, the others and the metadata stay (fault 62)", async (t) => {
    const f = await fakeCloud({ works: false });
    t.after(() => f.close());
    const { store } = f.cloud;
    await f.call("PUT", "/auth/namespaces/system/metadata/who", { value: "me" });
    await setKey(store, "system", "second", "two");
    const before = f.value("key/system/second");
    await setKey(store, "system", "tests", "another");
    assert.deepEqual(f.value("key/system/second"), before);
    for (const [key, status] of [
      ["two", 200],
      ["another", 200],
      ["the key of system", 401],
    ] as const)
      assert.equal((await f.ask("POST", "/auth", { namespace: "system", key }, null)).status, status);
    assert.deepEqual(await f.call("GET", "/auth/namespaces/system/metadata"), { who: "me" });
  });

  it("setKey: refuses names that no path could have", async (t) => {
    const f = await fakeCloud({ works: false });
    t.after(() => f.close());
    const { store } = f.cloud;
    await assert.rejects(setKey(store, "a/b", "k", "x"), /^CloudError: a\/b: must be 1 to 63 letters/);
    await assert.rejects(setKey(store, "a", "..", "x"), /^CloudError: \.\.: must be 1 to 63 letters/);
  });

  it("signingSecret: one for all nodes, and none that everybody knows (fault 7)", async (t) => {
    const f = await fakeCloud({ works: false });
    t.after(() => f.close());
    const { store } = f.cloud;
    const secretWith = (AUTH_SECRET_SEED: string) =>
      signingSecret(store, readConfig({ SHAKENFIST_AUTH_SECRET_SEED: AUTH_SECRET_SEED }).config);
    const made = await Promise.all([secretWith(""), secretWith("")]);
    assert.equal(made[0], made[1]);
    assert.ok(Buffer.from(made[0] ?? "", "base64").length >= 48);
    assert.equal(await secretWith("of the site"), "of the site");
    await assert.rejects(secretWith("foo"), /'foo' is known to everybody/);
  });
});
