// What the store does while its database is frozen or gone, and after: run on every backend.
import { strict as assert } from "node:assert";
import { once } from "node:events";
import { describe, test } from "node:test";
import { systemClock } from "#shared/clock.ts";
import { isKind } from "#shared/errors.ts";
import { create, put, type Store } from "#shared/ports/store/store.ts";
import { mirrored, rejectsAs, usableAfter, useWorld, type World } from "./world.ts";

const DEADLINE_MS = 600;

export function faultSuite(name: string, begin: () => Promise<World>): void {
  describe(`store on ${name}, with faults`, { timeout: 90_000 }, () => {
    const { world, open } = useWorld(begin);
    const quick = { deadline_ms: DEADLINE_MS };

    async function assertAway(store: Store): Promise<void> {
      const began = performance.now();
      const calls = [
        store.get("thing/1"),
        store.list("thing/"),
        store.commit([put("thing/1", 2)]),
        store.clear("thing/never"),
        store.lease(5),
        store.lock("a", { wait_ms: 10_000, operation: "test" }),
      ];
      await Promise.all(calls.map((call) => rejectsAs("unavailable", call)));
      const took = performance.now() - began;
      assert.ok(took < DEADLINE_MS + 500, `${took} ms for an answer`);
    }

    /** Resolves at the next return of the store, with how long that took. */
    async function back(store: Store): Promise<number> {
      const began = performance.now();
      await new Promise<void>((resolve) => {
        const stop = store.mirror.onReturn(() => {
          stop();
          resolve();
        });
      });
      return performance.now() - began;
    }

    test("frozen for five seconds: unavailable in time, reads from the mirror, usable within a second after", async (t) => {
      const store = await open(t, quick);
      await store.commit([create("thing/1", 1)]);
      assert.equal(store.mirror.stale_ms(), 0);
      world().freeze();
      const frozen_at = performance.now();
      await assertAway(store);
      await systemClock.sleep(frozen_at + 5000 - performance.now());
      assert.ok(store.mirror.stale_ms() > 3000, `stale for ${store.mirror.stale_ms()} ms`);
      assert.equal(store.mirror.get("thing/1")?.value, 1);
      const returned = back(store);
      world().thaw();
      const usable = await usableAfter(store, "thing/2");
      const heard = await returned;
      assert.ok(usable < 1000 && heard < 1000, `usable after ${usable} ms, told after ${heard} ms`);
      assert.equal(store.mirror.stale_ms(), 0);
      assert.equal(store.mirror.get("thing/2")?.value, 1);
    });

    test("killed and started again: unavailable at once, usable within a second after", async (t) => {
      const store = await open(t, quick);
      await store.commit([create("thing/1", 1)]);
      await world().kill();
      await assertAway(store);
      assert.ok(store.mirror.stale_ms() > 0);
      const returned = back(store);
      await world().restart();
      const usable = await usableAfter(store, "thing/2");
      await returned;
      assert.ok(usable < 1000, `usable after ${usable} ms`);
      assert.equal(store.mirror.get("thing/1")?.value, 1);
    });

    test("open: rejects when there is nobody to ask", async (t) => {
      await world().kill();
      await rejectsAs("unavailable", open(t, quick));
      await world().restart();
    });

    test("lease: not renewed for its whole life, it is lost, and its keys go (fault 18)", async (t) => {
      const store = await open(t, quick);
      const lease = await store.lease(1);
      await store.commit([create("thing/1", 1, lease)]);
      world().freeze();
      const began = performance.now();
      await once(lease.lost, "abort");
      const took = performance.now() - began;
      world().thaw();
      assert.ok(took < 1300, `lost after ${took} ms`);
      await mirrored(store, "thing/1", false);
    });

    test("lock: one that was asked for or released during an outage is soon free", async (t) => {
      const [store, other] = await Promise.all([open(t, quick), open(t, quick)]);
      const held = await store.lock("held", { wait_ms: 1000, operation: "test" });
      world().freeze();
      await Promise.all([
        rejectsAs("unavailable", store.lock("asked", { wait_ms: 1000, operation: "test" })),
        held.release(),
      ]);
      world().thaw();
      await usableAfter(other, "thing/1");
      const began = performance.now();
      for (const name of ["held", "asked"]) {
        const lock = await other.lock(name, { wait_ms: 10_000, operation: "test" });
        await lock.release();
      }
      assert.ok(performance.now() - began < 4000, "before the lease of the other store has run out");
    });

    test("commit: what was written while a store was away is told when it is back", async (t) => {
      const [writer, reader] = await Promise.all([open(t, quick), open(t, quick)]);
      const told: string[] = [];
      await writer.commit([create("thing/kept", 1), create("thing/gone", 1), create("thing/changed", 1)]);
      await mirrored(reader, "thing/changed", true);
      reader.mirror.watch("thing/", ({ key }) => told.push(key));
      await world().kill();
      await world().restart();
      await usableAfter(writer, "thing/new");
      await writer.commit([put("thing/changed", 2), { key: "thing/gone", write: "delete" }]);
      await mirrored(reader, "thing/new", true);
      await mirrored(reader, "thing/gone", false);
      assert.deepEqual([...new Set(told)].toSorted(), ["thing/changed", "thing/gone", "thing/new"]);
      assert.equal(reader.mirror.get("thing/changed")?.value, 2);
    });

    test("many writers: every outage ends for all of them", async (t) => {
      const store = await open(t, quick);
      let stopped = false;
      const write = async (at: number) => {
        for (let round = 0; !stopped; round++) {
          await store.commit([put(`thing/${at}`, round)]).catch((error) => {
            if (!isKind(error, "unavailable")) throw error;
            return systemClock.sleep(50);
          });
        }
      };
      const writers = Array.from({ length: 20 }, (_, at) => write(at));
      for (let outage = 0; outage < 3; outage++) {
        world().freeze();
        await systemClock.sleep(300);
        world().thaw();
        await usableAfter(store, "thing/probe");
      }
      stopped = true;
      await Promise.all(writers);
      const stored = await store.list("thing/");
      assert.deepEqual(store.mirror.list("thing/"), stored);
    });
  });
}
