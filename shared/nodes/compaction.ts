// Lets etcd forget what its keys were more than half an hour ago: each change would stay for ever, until its quota is reached.
// One node does it, and what it remembers for the next time is in the store.
import type { Cloud } from "../cloud.ts";
import { isKind } from "../errors.ts";
import { create, replace } from "../ports/store/store.ts";
import { isFirstPresent } from "./away.ts";

export const COMPACT_EVERY_S = 1800;

/** The revision that there was at the time, s. */
interface CompactionRecord {
  revision: number;
  at: number;
}

const KEY = "setting/compaction";

/** What was noted half an hour ago is the limit of now. */
export async function compactStore(cloud: Cloud): Promise<void> {
  if (!isFirstPresent(cloud)) return;
  const { store, clock } = cloud;
  const noted = await store.get<CompactionRecord>(KEY);
  if (noted !== undefined && clock.now() - noted.value.at < COMPACT_EVERY_S) return;
  if (noted !== undefined) await store.compact(noted.value.revision);
  const now: CompactionRecord = { revision: store.mirror.revision(), at: clock.now() };
  await store.commit([noted === undefined ? create(KEY, now) : replace(noted, now)]).catch((error) => {
    // Another node has done it just now.
    if (!isKind(error, "conflict")) throw error;
  });
}
