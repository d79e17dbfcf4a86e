// Keeps the history of an object bounded.
import { discard, type Store } from "../ports/store/store.ts";
import { KEPT } from "./record.ts";

const BATCH = 100;

/** Drops what is older than the newest few hundred. */
export async function trimEvents(store: Store, prefix: string): Promise<void> {
  for (let surplus = (await store.count(prefix)) - KEPT; surplus > 0; surplus -= BATCH) {
    const oldest = await store.list(prefix, { limit: Math.min(surplus, BATCH) });
    await store.commit(oldest.map(({ key }) => discard(key)));
  }
}
