// Reading the history of an object.
import type { Cloud, ObjectType } from "../cloud.ts";
import { type EventRecord, eventPrefix, KEPT } from "./record.ts";

/** Ascending by time, the newest few hundred. */
export async function listEvents(cloud: Cloud, type: ObjectType, uuid: string): Promise<EventRecord[]> {
  await cloud.events.flush();
  const newest = await cloud.store.list<EventRecord>(eventPrefix(type, uuid), { limit: KEPT, reverse: true });
  return newest.map(({ value }) => value).reverse();
}
