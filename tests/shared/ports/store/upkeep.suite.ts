// What the upkeep of a store needs of it, run on every backend: names below a prefix, compaction, health.
import { strict as assert } from "node:assert";
import { describe, test } from "node:test";
import { put } from "#shared/ports/store/store.ts";
import { useWorld, type World } from "./world.ts";

export function upkeepSuite(name: string, begin: () => Promise<World>): void {
  describe(`upkeep of a store on ${name}`, { timeout: 60_000 }, () => {
    const { open } = useWorld(begin);

    test("children: each name once, whatever its characters, and not those of others", async (t) => {
      const store = await open(t);
      const names = ["a", "a-1", "a.b", "a0", "b%2Fc"];
      await store.commit(names.flatMap((name) => [put(`of/${name}/1`, 1), put(`of/${name}/2`, 2)]));
      await store.commit([put("off/x/1", 1), put("oe/x/1", 1)]);
      assert.deepEqual((await store.children("of/")).sort(), names.toSorted());
      assert.deepEqual(await store.children("none/"), []);
    });

    test("compact: keeps what is, and does so twice", async (t) => {
      const store = await open(t);
      await store.commit([put("thing/1", 1)]);
      const revision = await store.commit([put("thing/1", 2)]);
      await store.compact(revision);
      await store.compact(revision);
      assert.equal((await store.get("thing/1"))?.value, 2);
      await store.commit([put("thing/1", 3)]);
      assert.equal(store.mirror.get("thing/1")?.value, 3);
    });

    test("health: every member with its size, and no alarm", async (t) => {
      const { members, alarms } = await (await open(t)).health();
      assert.deepEqual(alarms, []);
      assert.ok(members.length > 0);
      assert.ok(members.every(({ failure, size }) => failure === null && size > 0));
    });
  });
}
