import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { hashKey, openKeyChecker } from "#shared/namespaces/keys.ts";

const saltOf = (hash: string): string | undefined => hash.split("$")[4];

describe("keys", () => {
  it("hashKey: a salt of its own, or that of a key of the same cost", async () => {
    const [one, other] = [await hashKey("x"), await hashKey("x")];
    assert.notEqual(one, other);
    assert.equal(await hashKey("x", one), one);
    assert.equal(saltOf(await hashKey("y", one)), saltOf(one));
    const cheap = one.replace("m=19456", "m=8");
    assert.notEqual(saltOf(await hashKey("x", cheap)), saltOf(one));
    assert.match(await hashKey("x", "garbage"), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  it("hashKey: a key longer than 72 bytes counts to its last byte (fault 14)", async () => {
    const checker = openKeyChecker();
    const long = "x".repeat(1023);
    const record = { hash: await hashKey(`${long}a`) };
    assert.equal(await checker.find(`${long}b`, [record]), undefined);
    assert.equal(await checker.find(`${long}a`, [record]), record);
    await assert.rejects(hashKey(`${long}ab`), /key: longer than 1024 bytes/);
    assert.equal(await checker.find(`${long}ab`, [record]), undefined);
  });

  it("find: the right one of several, whether they share their salt or not", async () => {
    const checker = openKeyChecker();
    const one = await hashKey("one");
    const hashes = [one, await hashKey("two", one), await hashKey("three")];
    const records = hashes.map((hash) => ({ hash }));
    for (const [index, key] of ["one", "two", "three"].entries())
      assert.equal(await checker.find(key, records), records[index]);
    assert.equal(await checker.find("four", records), undefined);
  });

  it("find: costs the same for one key, for many, and for a namespace that there is not", async () => {
    const checker = openKeyChecker();
    const one = await hashKey("one");
    const many = [one, await hashKey("two", one), await hashKey("three", one)].map((hash) => ({ hash }));
    const least: number[] = [];
    for (let round = 0; round < 9; round++)
      for (const [index, records] of [many.slice(0, 1), many, []].entries()) {
        const before = process.cpuUsage();
        await checker.find(`wrong ${round}`, records);
        const { user, system } = process.cpuUsage(before);
        least[index] = Math.min(least[index] ?? Number.POSITIVE_INFINITY, user + system);
      }
    assert.ok(Math.max(...least) < 1.6 * Math.min(...least), `${least} µs`);
  });

  it("recall: knows what was found, under the same hash only", async () => {
    const checker = openKeyChecker();
    const record = { hash: await hashKey("one") };
    const anew = { hash: await hashKey("one") };
    assert.equal(checker.recall("one", [record]), undefined);
    await checker.find("one", [record]);
    assert.equal(checker.recall("one", [anew, record]), record);
    assert.equal(checker.recall("one", [anew]), undefined);
    assert.equal(checker.recall("two", [record]), undefined);
    assert.equal(openKeyChecker().recall("one", [record]), undefined);
  });
});
