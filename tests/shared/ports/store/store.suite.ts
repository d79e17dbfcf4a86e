// The store's contract, run on every backend: transactions, the mirror, lists, leases. Locks and faults have their own.
import { strict as assert } from "node:assert";
import { describe, test } from "node:test";
import { CloudError } from "#shared/errors.ts";
import {
  type Change,
  check,
  create,
  discard,
  type MirrorChange,
  put,
  remove,
  replace,
  whenDone,
} from "#shared/ports/store/store.ts";
import { transact } from "#shared/ports/store/transact.ts";
import { mirrored, rejectsAs, useWorld, type World } from "./world.ts";

export function storeSuite(name: string, begin: () => Promise<World>): void {
  describe(`store on ${name}`, { timeout: 60_000 }, () => {
    const { open } = useWorld(begin);

    test("commit: of fifty creators of a key one wins", async (t) => {
      const stores = await Promise.all([open(t), open(t)]);
      const work = Array.from({ length: 50 }, (_, by) => stores[by % 2]?.commit([create("thing/1", { by })]));
      const outcomes = await Promise.allSettled(work);
      assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
      const winner = outcomes.findIndex(({ status }) => status === "fulfilled");
      for (const store of stores) {
        await mirrored(store, "thing/1", true);
        assert.deepEqual(store.mirror.get("thing/1")?.value, { by: winner });
      }
    });

    test("commit: a stale replace is a conflict that names the keys, and the mirror is fresh after it", async (t) => {
      const [one, other] = await Promise.all([open(t), open(t)]);
      await one.commit([create("thing/1", 1), create("thing/2", 1), create("thing/3", 1)]);
      const stale = await other.list<number>("thing/");
      await one.commit([put("thing/1", 2), discard("thing/2")]);
      const changes = stale.map((entry) => replace(entry, 3));
      await assert.rejects(other.commit(changes), (error: { kind: string; detail: { keys: string[] } }) => {
        assert.equal(error.kind, "conflict");
        assert.deepEqual(error.detail.keys, ["thing/1", "thing/2"]);
        return true;
      });
      assert.equal(other.mirror.get("thing/1")?.value, 2);
      assert.equal(other.mirror.get("thing/2"), undefined);
      assert.equal((await one.get("thing/3"))?.value, 1);
    });

    test("commit: both writers see what they wrote at once", async (t) => {
      const stores = await Promise.all([open(t), open(t)]);
      for (let round = 0; round < 50; round++) {
        const store = stores[round % 2] ?? assert.fail();
        const revision = await store.commit([put("thing/1", round), put(`thing/new-${round}`, round)]);
        assert.deepEqual(store.mirror.get("thing/1"), { key: "thing/1", value: round, revision });
        assert.equal(store.mirror.list("thing/").length, round + 2);
      }
    });

    test("commit: waits for no news where there will be none", async (t) => {
      const store = await open(t);
      await store.commit([discard("thing/never")]);
      await store.commit([put("event/1", 1)]);
      await store.commit([discard("thing/never"), put("event/2", 1)]);
      const entry = (await store.get("event/1")) ?? assert.fail();
      await store.commit([check(entry)]);
      await store.commit([remove(entry)]);
      assert.equal(store.mirror.get("event/2"), undefined);
      assert.equal(await store.get("event/1"), undefined);
      assert.deepEqual(
        (await store.list("event/")).map(({ key }) => key),
        ["event/2"],
      );
    });

    test("commit: a check of a changed key stops all of it", async (t) => {
      const store = await open(t);
      await store.commit([create("thing/1", 1)]);
      const stale = store.mirror.get("thing/1") ?? assert.fail();
      await store.commit([put("thing/1", 2)]);
      await rejectsAs("conflict", store.commit([check(stale), create("thing/2", 1)]));
      assert.equal(store.mirror.get("thing/2"), undefined);
    });

    test("commit: 120 changes are one transaction, 121 and a key twice are refused", async (t) => {
      const store = await open(t);
      const keys = Array.from({ length: 121 }, (_, at) => `thing/${at}`);
      const revision = await store.commit(keys.slice(1).map((key) => create(key, { key })));
      assert.equal(store.mirror.list("thing/").length, 120);
      assert.ok(store.mirror.list("thing/").every((entry) => entry.revision === revision));
      await rejectsAs("internal", store.commit(keys.map((key) => put(key, 1))));
      await rejectsAs("internal", store.commit([put("thing/1", 1), discard("thing/1")]));
    });

    test("commit: values of 200 KB come back whole, frozen all the way down", async (t) => {
      const store = await open(t);
      const value = { text: "é".repeat(100_000), deep: { list: [{ one: 1 }] } };
      await store.commit(["thing/1", "thing/2", "thing/3"].map((key) => create(key, value)));
      const entry = store.mirror.get<typeof value>("thing/1") ?? assert.fail();
      assert.deepEqual(entry.value, value);
      assert.ok(Object.isFrozen(entry.value.deep.list[0]));
      const reads = await store.list<typeof value>("thing/");
      assert.deepEqual(
        reads.map((read) => read.value.text.length),
        [100_000, 100_000, 100_000],
      );
    });

    test("transact: loses no update and refuses nobody among forty contenders of two stores; tells once what was done", async (t) => {
      const stores = await Promise.all([open(t), open(t)]);
      await stores[0].commit([create("thing/1", 0)]);
      await mirrored(stores[1], "thing/1", true);
      const told: number[] = [];
      const decided: number[] = [];
      const increment = (store: (typeof stores)[number]) =>
        transact(store, () => {
          const entry = store.mirror.get<number>("thing/1") ?? assert.fail();
          const next = entry.value + 1;
          decided.push(next);
          return [[whenDone(replace(entry, next), () => told.push(next))], undefined];
        });
      await Promise.all(Array.from({ length: 20 }, () => stores.map(increment)).flat());
      assert.equal((await stores[0].get("thing/1"))?.value, 40);
      const each = Array.from({ length: 40 }, (_, at) => at + 1);
      // What lost its race was decided and never told.
      assert.deepEqual(
        told.sort((one, other) => one - other),
        each,
      );
      assert.ok(decided.length > 40, "no race was lost");
    });

    test("transact: a conflict that the caller decides on is not repeated", async (t) => {
      const store = await open(t);
      let asked = 0;
      const decide = (): [Change[], undefined] => {
        asked++;
        throw new CloudError("conflict", "thing 1: is taken");
      };
      await assert.rejects(transact(store, decide), /is taken/);
      assert.equal(asked, 1);
    });

    test("list: pages, limits, reverses, counts, clears", async (t) => {
      const [store, other] = await Promise.all([open(t), open(t)]);
      const keys = Array.from({ length: 1205 }, (_, at) => `thing/${String(at).padStart(5, "0")}`);
      for (let at = 0; at < keys.length; at += 120) {
        await store.commit(keys.slice(at, at + 120).map((key) => create(key, at)));
      }
      await store.commit([create("things/1", 1), create("thing", 1)]);
      const listed = async (options?: object) => (await store.list("thing/", options)).map(({ key }) => key);
      assert.deepEqual(await listed(), keys);
      assert.deepEqual(await listed({ limit: 3 }), keys.slice(0, 3));
      assert.deepEqual(await listed({ limit: 501, reverse: true }), keys.slice(-501).reverse());
      assert.deepEqual(await listed({ reverse: true }), keys.toReversed());
      assert.deepEqual(
        store.mirror.list("thing/").map(({ key }) => key),
        keys,
      );
      assert.equal(await store.count("thing/"), 1205);
      await store.clear("thing/");
      assert.equal(store.mirror.list("thing/").length, 0);
      await mirrored(other, "thing/01204", false);
      assert.equal(await store.count("thing"), 2);
    });

    test("prefix: two sites do not see each other", async (t) => {
      const [a, ab] = await Promise.all([open(t, { prefix: "/a" }), open(t, { prefix: "/ab" })]);
      await a.commit([create("thing/1", "a")]);
      await ab.commit([create("thing/1", "ab"), create("thing/2", "ab")]);
      assert.deepEqual(
        (await a.list("")).map(({ value }) => value),
        ["a"],
      );
      await ab.clear("");
      assert.equal(await a.count(""), 1);
      assert.equal(a.mirror.list("thing/").length, 1);
    });

    test("mirror: lists by one and two segments, by key", async (t) => {
      const store = await open(t);
      const keys = ["address/n1/2", "address/n1/1", "address/n11/1", "address/n2/1"];
      await store.commit(keys.map((key) => create(key, 1)));
      const listed = (prefix: string) => store.mirror.list(prefix).map(({ key }) => key);
      assert.deepEqual(listed("address/"), keys.toSorted());
      assert.deepEqual(listed("address/n1/"), ["address/n1/1", "address/n1/2"]);
      assert.deepEqual(listed("address/n1"), ["address/n1/1", "address/n1/2", "address/n11/1"]);
      assert.deepEqual(listed("thing/"), []);
      await store.commit([discard("address/n1/1")]);
      assert.deepEqual(listed("address/n1/"), ["address/n1/2"]);
    });

    test("mirror: who hears of one key of a transaction finds the others there", async (t) => {
      const [writer, reader] = await Promise.all([open(t), open(t)]);
      let found: unknown;
      reader.mirror.watch("address/", () => {
        found = reader.mirror.get("thing/1")?.value;
      });
      await writer.commit([create("address/n/1", 1), create("job/1", 1), create("thing/1", "there")]);
      await mirrored(reader, "address/n/1", true);
      assert.equal(found, "there");
    });

    test("mirror: tells changes in order, with what was before, whatever other listeners do", async (t) => {
      const [writer, reader] = await Promise.all([open(t), open(t)]);
      const told: MirrorChange[] = [];
      reader.mirror.watch("thing/", () => {
        throw new Error("a listener's own fault");
      });
      const stop = reader.mirror.watch("thing/1", (change) => told.push(change));
      await writer.commit([create("thing/1", 1), create("thing/2", 1)]);
      await writer.commit([put("thing/1", 2)]);
      await writer.commit([discard("thing/1")]);
      await mirrored(reader, "thing/2", true);
      await mirrored(reader, "thing/1", false);
      assert.deepEqual(
        told.map(({ before, after }) => [before?.value, after?.value]),
        [
          [undefined, 1],
          [1, 2],
          [2, undefined],
        ],
      );
      stop();
      await writer.commit([put("thing/1", 3), put("thing/9", 1)]);
      await mirrored(reader, "thing/9", true);
      assert.equal(told.length, 3);
    });

    test("until: answers at once, after a change, or not at all", async (t) => {
      const store = await open(t);
      const find = () => store.mirror.get<number>("thing/1")?.value;
      assert.equal(await store.mirror.until("thing/", find, 20), undefined);
      const answer = store.mirror.until("thing/", find, 5000);
      await store.commit([create("thing/1", 7)]);
      assert.equal(await answer, 7);
      assert.equal(await store.mirror.until("thing/", find, 0), 7);
    });

    test("lease: its keys go when it is released, and nothing can be put on it then", async (t) => {
      const [store, other] = await Promise.all([open(t), open(t)]);
      const lease = await store.lease(5);
      await store.commit([create("thing/bound", 1, lease), create("thing/free", 1)]);
      await mirrored(other, "thing/bound", true);
      await lease.release();
      await mirrored(other, "thing/bound", false);
      await mirrored(store, "thing/bound", false);
      assert.equal(lease.lost.aborted, false);
      const late = store.commit([create("thing/late", 1, lease), put("thing/2", 1)]);
      await assert.rejects(late, (error: { kind: string; detail: { keys: string[] } }) => {
        assert.equal(error.kind, "conflict");
        assert.deepEqual(error.detail.keys, ["thing/late"]);
        return true;
      });
      assert.equal(await store.get("thing/2"), undefined);
    });

    test("transact: a lease that is gone is no lost race, and is told at once", async (t) => {
      const store = await open(t);
      const lease = await store.lease(5);
      await lease.release();
      let asked = 0;
      const decided = transact(store, () => [[create(`thing/${++asked}`, 1, lease)], undefined]);
      await assert.rejects(decided, /its lease is gone/);
      assert.equal(asked, 1);
    });

    test("lease: is kept alive beyond its life", async (t) => {
      const store = await open(t);
      const lease = await store.lease(1);
      await store.commit([create("thing/1", 1, lease)]);
      await assert.rejects(mirrored(store, "thing/1", false, 3500));
      assert.equal(lease.lost.aborted, false);
    });

    test("close: ends leases, waits and further calls", async (t) => {
      const [store, other] = await Promise.all([open(t), open(t)]);
      const lease = await store.lease(60);
      await store.commit([create("thing/1", 1, lease)]);
      await mirrored(other, "thing/1", true);
      const waiting = store.mirror.until("thing/", () => undefined, 60_000);
      await store.close();
      await store.close();
      assert.equal(await waiting, undefined);
      await mirrored(other, "thing/1", false);
      await rejectsAs("unavailable", store.get("thing/1"));
      await rejectsAs("unavailable", store.lease(5));
      await rejectsAs("unavailable", store.lock("x", { wait_ms: 100, operation: "late" }));
    });
  });
}
