// Reading and clearing the history of an object.
import type { Cloud, ObjectType } from "../cloud.ts";
import { type EventRecord, eventPrefix, KEPT } from "./record.ts";

/** Ascending by time, the newest few hundred. */
export async function listEvents(cloud: Cloud, type: ObjectType, uuid: string): Promise<EventRecord[]> {
  await cloud.events.flush();
  const newest = await cloud.store.list<EventRecord>(eventPrefix(type, uuid), { limit: KEPT, reverse: true });
  return newest.map(({ value }) => value).reverse();
}

/** Drops what is older than the newest few hundred. */
export async function trimEvents(cloud: Cloud, type: ObjectType, uuid: string): Promise<void> {
  const prefix = eventPrefix(type, uuid);
  const surplus = (await cloud.store.count(prefix)) - KEPT;
  if (surplus <= 0) return;
  const oldest = await cloud.store.list(prefix, { limit: Math.min(surplus, 100) });
  await cloud.store.commit(oldest.map(({ key }) => ({ key, write: "delete" as const })));
}
