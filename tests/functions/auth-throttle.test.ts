import { strict as assert } from "node:assert";
import { describe, it, type TestContext } from "node:test";
import type { KeyRecord } from "#shared/namespaces/record.ts";
import { put } from "#shared/ports/store/store.ts";
import { type Asked, type FakeCloud, fakeCloud, SYSTEM_KEY } from "../support/fake-cloud.ts";

async function setUp(t: TestContext) {
  const f = await fakeCloud({ works: false });
  t.after(() => f.close());
  const login = (namespace: string, key: string): Promise<Asked> =>
    f.ask("POST", "/auth", { namespace, key }, null);
  const statuses = async (logins: Promise<Asked>[]) =>
    (await Promise.all(logins)).map(({ status }) => status);
  const fail = (namespace: string, times: number) =>
    statuses(Array.from({ length: times }, (_, index) => login(namespace, `wrong ${index}`)));
  return { f, login, statuses, fail };
}

const addKey = (f: FakeCloud, namespace: string, key_name: string, key: string) =>
  f.call("POST", "/auth/namespaces", { namespace, key_name, key });

const wordsOf = ({ body }: Asked): string => (body as { error: string }).error;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

const median = (times: readonly number[]): number =>
  times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)] ?? 0;

describe("POST /auth, tried often", () => {
  it("POST /auth: after ten wrong keys in a minute, 429 until it is over (fault 14)", async (t) => {
    const { f, login, fail } = await setUp(t);
    await addKey(f, "one", "k", "right");
    assert.deepEqual(await fail("one", 10), Array(10).fill(401));
    f.clock.advance(20);
    const late = await login("one", "wrong");
    assert.equal(late.status, 429);
    assert.match(wordsOf(late), /^too many wrong keys for this namespace: try again in (39|40) s$/);
    assert.match(late.headers["Retry-After"] ?? "", /^(39|40)$/);
    assert.equal((await login("one", "right")).status, 429);
    f.clock.advance(41);
    assert.equal((await login("one", "right")).status, 200);
  });

  it("POST /auth: a key that was right before stays so while strangers guess", async (t) => {
    const { f, login, fail } = await setUp(t);
    await addKey(f, "one", "k", "right");
    assert.equal((await login("one", "right")).status, 200);
    await fail("one", 30);
    assert.equal((await login("one", "wrong")).status, 429);
    assert.equal((await login("one", "right")).status, 200);
    assert.equal((await login("system", SYSTEM_KEY)).status, 200);
  });

  it("POST /auth: guesses sent at once are not more than those sent in turn", async (t) => {
    const { fail } = await setUp(t);
    const outcomes = await fail("system", 40);
    assert.deepEqual(outcomes.toSorted(), [...Array(10).fill(401), ...Array(30).fill(429)]);
  });

  it("POST /auth: namespaces that there are not are throttled like others", async (t) => {
    const { f, login, fail } = await setUp(t);
    await addKey(f, "real", "k", "right");
    for (const name of ["real", "nobody"]) {
      await fail(name, 10);
      const { status, body } = await login(name, "wrong");
      assert.equal(status, 429);
      assert.match(JSON.stringify(body), /too many wrong keys for this namespace/);
    }
  });

  it("POST /auth: what can be no namespace is refused at once, and remembered nowhere", async (t) => {
    const { login, statuses } = await setUp(t);
    const names = Array.from({ length: 200 }, (_, index) => `${"/".repeat(index + 1)}`);
    assert.deepEqual(await statuses(names.map((name) => login(name, "x"))), Array(200).fill(401));
  });

  it("POST /auth: sixteen keys at once all open; the line is bounded", async (t) => {
    const { f, login, statuses } = await setUp(t);
    const keys = Array.from({ length: 16 }, (_, index) => `key-${index}`);
    for (const key of keys) await addKey(f, "many", key, `right ${key}`);
    assert.deepEqual(await statuses(keys.map((key) => login("many", `right ${key}`))), Array(16).fill(200));

    const strangers = Array.from({ length: 100 }, (_, index) => login(`nobody-${index}`, "x"));
    assert.equal((await login("many", "right key-0")).status, 200);
    const answers = await Promise.all(strangers);
    const turnedAway = answers.filter(({ status }) => status === 429);
    assert.equal(turnedAway.length, 100 - 1 - 64);
    assert.equal(turnedAway[0]?.headers["Retry-After"], "1");
    assert.equal((await login("nobody-99", "x")).status, 401);
  });

  it("POST /auth: a repeated login costs a twentieth of a first one at most", async (t) => {
    const { f, login } = await setUp(t);
    const firsts: number[] = [];
    for (const name of ["a", "b", "c", "d", "e"]) {
      await addKey(f, "one", name, `right ${name}`);
      firsts.push(await timed(() => login("one", `right ${name}`)));
    }
    const again: number[] = [];
    for (let count = 0; count < 100; count++) again.push(await timed(() => login("one", "right a")));
    assert.ok(median(again) <= 0.05 * median(firsts), `${median(again)} after ${median(firsts)} ms`);
  });

  it("POST /auth: hashes that are none are nobody's, and no trouble for the others", async (t) => {
    const { f, login } = await setUp(t);
    await addKey(f, "one", "good", "right");
    const salt = Buffer.alloc(4).toString("base64url");
    const bad = [
      "",
      "garbage",
      "$argon2id$v=19$m=19456,t=2,p=1$",
      `$argon2id$v=19$m=1,t=0,p=0$${salt}$AAAA`,
      `$argon2id$v=19$m=99999999999,t=1,p=1$${"A".repeat(22)}$AAAA`,
      `$argon2id$v=19$m=19456,t=2,p=1$${salt}$AAAA`,
    ];
    for (const [index, hash] of bad.entries()) {
      const record: KeyRecord = { name: `bad-${index}`, hash, id: "x" };
      await f.cloud.store.commit([put(`key/one/bad-${index}`, record)]);
      assert.equal((await login("one", "wrong")).status, 401);
    }
    await f.cloud.store.commit([put("key/two/bad", { name: "bad", hash: "garbage", id: "x" })]);
    assert.equal((await login("two", "garbage")).status, 401);
    assert.equal((await login("one", "right")).status, 200);
  });

  it("POST /auth: a key that another node has just made opens, also while this one has not heard of it", async (t) => {
    const { f, login } = await setUp(t);
    const other = await fakeCloud({
      memory: f.memory,
      node: { name: "sf-2", ip: "10.255.0.2" },
      works: false,
    });
    t.after(() => other.close());
    await addKey(other, "new", "k", "right");
    assert.equal((await login("new", "right")).status, 200);
    await other.call("DELETE", "/auth/namespaces/new/keys/k");
    const { status } = await login("new", "right");
    assert.equal(status, 401);
  });
});
