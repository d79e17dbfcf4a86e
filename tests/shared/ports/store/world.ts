// What the store's contract suites need of a database: stores on it, and its faults on demand.
import { strict as assert } from "node:assert";
import { after, before, type TestContext } from "node:test";
import { systemClock } from "#shared/clock.ts";
import { isKind } from "#shared/errors.ts";
import { silentLog } from "#shared/log.ts";
import type { Backend } from "#shared/ports/store/backend.ts";
import { openStore } from "#shared/ports/store/open.ts";
import type { Store } from "#shared/ports/store/store.ts";

export interface World {
  connect(prefix: string, deadline_ms: number): Backend;
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface OpenOptions {
  prefix?: string;
  node?: string;
  deadline_ms?: number;
}

export type Open = (t: TestContext, options?: OpenOptions) => Promise<Store>;

export const MIRRORED = ["thing/", "address/", "job/"];

/** The world of a suite, and the way to open stores in it; stores without a prefix share one for each test. */
export function useWorld(begin: () => Promise<World>): { world: () => World; open: Open } {
  let running: World | undefined;
  before(async () => {
    running = await begin();
  });
  after(() => running?.stop());
  const world = () => {
    if (running === undefined) throw new Error("the world has not begun");
    return running;
  };
  const open: Open = async (t, { prefix = `/${t.name}`, node = "sf-1", deadline_ms = 2000 } = {}) => {
    const backend = world().connect(prefix, deadline_ms);
    const store = await openStore({
      backend,
      mirrored: MIRRORED,
      node,
      deadline_ms,
      clock: systemClock,
      log: silentLog,
    });
    t.after(() => store.close());
    return store;
  };
  return { world, open };
}

export async function rejectsAs(kind: "conflict" | "unavailable" | "internal", work: Promise<unknown>) {
  await assert.rejects(work, (error) => isKind(error, kind));
}

/** Resolves when a key stands in the store's mirror, or no longer does. */
export async function mirrored(
  store: Store,
  key: string,
  present: boolean,
  timeout_ms = 15_000,
): Promise<void> {
  const find = () => ((store.mirror.get(key) !== undefined) === present ? true : undefined);
  assert.ok(await store.mirror.until(key, find, timeout_ms), `${key} is ${present ? "absent" : "there"}`);
}

/** How many ms it took until the store answered again; fails after a while. */
export async function usableAfter(store: Store, key: string): Promise<number> {
  const began = performance.now();
  while (performance.now() - began < 10_000) {
    try {
      await store.commit([{ key, write: { put: 1 } }]);
      return performance.now() - began;
    } catch (error) {
      if (!isKind(error, "unavailable")) throw error;
      await systemClock.sleep(20);
    }
  }
  throw new Error("the store did not come back");
}
