import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import type { Instance, Network } from "#shared/api/types.ts";
import { type FakeCloud, fakeCloud, small } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

interface Kind {
  what: string;
  /** Of an object of alice's, and of one that there is not. */
  path(): string;
  nowhere: string;
  missing: string;
  as: string;
  /** Who is told so, and what. */
  stranger: [status: number, words: string];
}

let f: FakeCloud;
let instance: Instance;
let network: Network;

const kinds: Kind[] = [
  {
    ...{ what: "instances", as: "alice", nowhere: "/instances/none", missing: "instance not found" },
    path: () => `/instances/${instance.uuid}/metadata`,
    stranger: [404, "instance not found"],
  },
  {
    ...{ what: "networks", as: "alice", nowhere: "/networks/none", missing: "network not found" },
    path: () => `/networks/${network.uuid}/metadata`,
    stranger: [404, "network not found"],
  },
  {
    ...{ what: "auth/namespaces", as: "system", nowhere: "/auth/namespaces/none" },
    missing: "namespace does not exist",
    path: () => "/auth/namespaces/alice/metadata",
    stranger: [401, "unauthorized"],
  },
];

describe("metadata", () => {
  before(async () => {
    f = await fakeCloud();
    instance = await f.call<Instance>("POST", "/instances", small(), "alice");
    network = await f.call<Network>("POST", "/networks", { netblock: "10.0.0.0/24", name: "net" }, "alice");
  });
  after(() => f.close());

  for (const { what, path, nowhere, missing, as, stranger } of kinds) {
    const show = () => f.call<Record<string, unknown>>("GET", path(), undefined, as);
    const set = (key: string, value: unknown) => f.call("PUT", `${path()}/${key}`, { value }, as);
    const drop = (key: string) => f.call("DELETE", `${path()}/${key}`, undefined, as);

    it(`${what}/…/metadata: is empty at first, then what was set, as it was given`, async () => {
      assert.deepEqual(await show(), {});
      assert.equal(await f.call("POST", path(), { key: "one", value: "1" }, as), null);
      assert.equal(await set("two%20words", { any: ["JSON", 1, null] }), null);
      await f.call("POST", path(), { key: "one", value: "uno" }, as);
      assert.deepEqual(await show(), { one: "uno", "two words": { any: ["JSON", 1, null] } });
      assert.equal(await drop("two%20words"), null);
      assert.equal(await drop("one"), null);
      assert.deepEqual(await show(), {});
    });

    it(`${what}/…/metadata: keys that mean something in JavaScript are keys like others`, async () => {
      for (const key of ["__proto__", "constructor", "toString"]) {
        await refuses(f, ["DELETE", `${path()}/${key}`, undefined, as], 404, "key not found");
        await set(key, "x");
        assert.equal(Object.getOwnPropertyDescriptor(await show(), key)?.value, "x");
        await drop(key);
      }
    });

    it(`${what}/…/metadata: concurrent changes are all kept`, async () => {
      const keys = Array.from({ length: 8 }, (_, index) => `k${index}`);
      await Promise.all(keys.map((key) => set(key, key)));
      assert.deepEqual(Object.keys(await show()).sort(), keys);
      await Promise.all(keys.map(drop));
    });

    it(`${what}/…/metadata: is bounded`, async () => {
      const refused = (key: string, value: unknown, words: string) =>
        refuses(f, ["POST", path(), { key, value }, as], 400, `metadata: ${words}`);
      await refused("k".repeat(256), "x", "a key has at most 255 characters");
      await refused("k", "x".repeat(64 * 1024), "a value is at most 64 KiB");
      const deep = (levels: number) => `${"[".repeat(levels)}1${"]".repeat(levels)}`;
      await f.call("PUT", `${path()}/deep`, `{"value": ${deep(32)}}`, as);
      for (const levels of [33, 20_000]) {
        const body = `{"value": ${deep(levels)}}`;
        const words = "metadata: a value is at most 32 levels deep";
        await refuses(f, ["PUT", `${path()}/deeper`, body, as], 400, words);
      }
      await drop("deep");
      for (const key of ["a", "b", "c"]) await set(key, "x".repeat(64 * 1024 - 2));
      await refused("d", "x".repeat(64 * 1024 - 2), "all of an object's is at most 256 KiB");
      for (const key of ["a", "b", "c"]) await drop(key);
      for (let count = 0; count < 256; count++) await set(`k${count}`, "x");
      await refused("more", "x", "an object has at most 256 keys");
      await set("k7", "changed");
      for (let count = 0; count < 256; count++) await drop(`k${count}`);
    });

    it(`${what}/…/metadata: every falsy value is none`, async () => {
      for (const value of [undefined, null, "", 0, false, {}, []]) {
        await refuses(f, ["PUT", `${path()}/k`, { value }, as], 400, "no value specified");
        await refuses(f, ["POST", path(), { key: "k", value }, as], 400, "no value specified");
      }
      for (const key of [undefined, null, ""])
        await refuses(f, ["POST", path(), { key, value: "x" }, as], 400, "no key specified");
      await refuses(f, ["POST", path(), { key: 7, value: "x" }, as], 400, "key is not a string");
      await refuses(f, ["PUT", `${path()}/k`, { key: "l", value: "x" }, as], 400, /^unknown argument 'key'/);
      await refuses(f, ["DELETE", `${path()}/k`, undefined, as], 404, "key not found");
    });

    it(`${what}/…/metadata: what is another's, or is not, is not found`, async () => {
      const calls: [method: string, more: string, unknown][] = [
        ["GET", "", undefined],
        ["POST", "", { key: "k", value: "v" }],
        ["PUT", "/k", { value: "v" }],
        ["DELETE", "/k", undefined],
      ];
      for (const [method, more, body] of calls) {
        await refuses(f, [method, path() + more, body, "bob"], ...stranger);
        await refuses(f, [method, `${nowhere}/metadata${more}`, body, as], 404, missing);
      }
    });
  }

  it("DELETE /instances/{instance_ref}: its metadata is readable as long as the record", async () => {
    const { uuid } = await f.call<Instance>("POST", "/instances", small(), "alice");
    await f.call("PUT", `/instances/${uuid}/metadata/k`, { value: "v" }, "alice");
    await f.call("DELETE", `/instances/${uuid}`, undefined, "alice");
    assert.deepEqual(await f.call("GET", `/instances/${uuid}/metadata`, undefined, "alice"), { k: "v" });
  });
});
