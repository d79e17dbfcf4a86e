// The contract of the store's locks, run on every backend.
import { strict as assert } from "node:assert";
import { once } from "node:events";
import { describe, test } from "node:test";
import { CloudError } from "#shared/errors.ts";
import { create, discard, type Store } from "#shared/ports/store/store.ts";
import { mirrored, rejectsAs, useWorld, type World } from "./world.ts";

export function lockSuite(name: string, begin: () => Promise<World>): void {
  describe(`locks on ${name}`, { timeout: 60_000 }, () => {
    const { open } = useWorld(begin);
    const options = { wait_ms: 10_000, operation: "test" };

    test("lock: twelve waiters of two stores hold it one at a time, and all get it (fault 73)", async (t) => {
      const stores = await Promise.all([open(t), open(t, { node: "sf-2" })]);
      let holders = 0;
      const hold = async (store: Store, at: number) => {
        const lock = await store.lock("a", options);
        assert.equal(++holders, 1);
        await store.commit([lock.held, create(`thing/${at}`, at)]);
        holders--;
        await lock.release();
      };
      const work = Array.from({ length: 12 }, (_, at) => hold(stores[at % 2] ?? assert.fail(), at));
      await Promise.all(work);
      assert.equal(await stores[0].count("lock/"), 0);
      assert.equal(await stores[0].count("thing/"), 12);
    });

    test("lock: names its holder to who waited too long (fault 58)", async (t) => {
      const [holder, other] = await Promise.all([open(t), open(t, { node: "sf-2" })]);
      const lock = await holder.lock("a", { ...options, operation: "start" });
      const began = performance.now();
      for (const store of [holder, other]) {
        await assert.rejects(store.lock("a", { ...options, wait_ms: 100 }), (error) => {
          assert.ok(error instanceof CloudError && error.kind === "unavailable");
          assert.match(error.message, /lock\/a: still held by sf-1 \(start\)/);
          return true;
        });
      }
      assert.ok(performance.now() - began < 1500);
      await rejectsAs("unavailable", other.lock("a", { ...options, wait_ms: 0 }));
      await lock.release();
      await lock.release();
      await (await other.lock("a", { ...options, wait_ms: 0 })).release();
    });

    test("lock: a waiter can be called off", async (t) => {
      const [holder, other] = await Promise.all([open(t), open(t)]);
      const lock = await holder.lock("a", options);
      const call = new AbortController();
      const waits = [holder, other].map((store) => store.lock("a", { ...options, signal: call.signal }));
      call.abort(new Error("called off"));
      for (const wait of waits) await assert.rejects(wait, /called off/);
      await lock.release();
      await (await other.lock("a", options)).release();
    });

    test("lock: a busy store does not keep another one out", async (t) => {
      const [busy, other] = await Promise.all([open(t), open(t)]);
      const order: string[] = [];
      const hold = async (store: Store, by: string) => {
        const lock = await store.lock("a", options);
        order.push(by);
        await lock.release();
      };
      const work = Array.from({ length: 20 }, () => hold(busy, "busy"));
      await Promise.all([...work, hold(other, "other")]);
      assert.ok(order.indexOf("other") < 15, `the other one came ${order.indexOf("other")}th of 21`);
    });

    test("lock: taken away, its holder hears of it and its transactions fail", async (t) => {
      const [holder, other] = await Promise.all([open(t), open(t)]);
      const lock = await holder.lock("a", options);
      const lost = once(lock.lost, "abort");
      await other.commit([discard("lock/a")]);
      await lost;
      const next = await other.lock("a", options);
      await rejectsAs("conflict", holder.commit([lock.held, create("thing/1", 1)]));
      await lock.release();
      assert.ok(await holder.get("lock/a"), "the next holder's lock is untouched");
      await next.release();
    });

    test("lock: a closed store's lock is free at once, and its waiters end", async (t) => {
      const [holder, other] = await Promise.all([open(t), open(t)]);
      await holder.lock("a", options);
      const waiting = holder.lock("a", options);
      await mirrored(other, "lock/a", true);
      await Promise.all([holder.close(), rejectsAs("unavailable", waiting)]);
      const began = performance.now();
      await (await other.lock("a", options)).release();
      assert.ok(performance.now() - began < 1000);
    });
  });
}
