// Asks for an instance's deletion, and waits for what was asked for. From that transaction on nothing may start it.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { enqueue } from "../jobs.ts";
import { isOver } from "../networks/record.ts";
import { type NodeRecord, nodeKey } from "../nodes/record.ts";
import { type Change, check, type Entry, replace } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import { INSTANCES, type InstanceRecord, instanceKey } from "./record.ts";
import { inState } from "./states.ts";

/** Rejects with "not_found" when it is deleted already; asking twice is fine. */
export async function beginDeletion(cloud: Cloud, uuid: string): Promise<void> {
  const asked = await transact(cloud.store, () => {
    const entry = cloud.store.mirror.get<InstanceRecord>(instanceKey(uuid));
    if (entry === undefined || entry.value.state === "deleted")
      throw new CloudError("not_found", "instance not found");
    if (entry.value.doomed && entry.value.state !== "error") return [[], false];
    const node = cloud.store.mirror.get<NodeRecord>(nodeKey(entry.value.node));
    if (node === undefined || node.value.removing === true) return [withoutNode(cloud, entry), true];
    const job = enqueue(cloud, entry.value.node, "instances/delete", { type: "instance", uuid });
    // Compared, so that a removal of the node and this cannot miss each other.
    return [[replace(entry, { ...entry.value, doomed: true }), job, check(node)], true];
  });
  if (asked) cloud.events.record("instance", uuid, { operation: "queued", phase: "delete" });
}

/** There is nobody to ask: what failed has been taken back, what is still living the removal of the node ends. */
const withoutNode = (cloud: Cloud, entry: Entry<InstanceRecord>): Change[] =>
  isOver(entry.value.state) && !entry.value.leftovers
    ? [inState(cloud, entry, "deleted", { doomed: false })]
    : [replace(entry, { ...entry.value, doomed: true })];

/** Its creation is over, well or not; or the time is. */
export const awaitCreated = (cloud: Cloud, uuid: string): Promise<InstanceRecord | undefined> =>
  awaitRecord(cloud, uuid, ({ state }) => state === "created" || isOver(state));

/** Its deletion is over, well or not; or the time is. */
export const awaitDeleted = (cloud: Cloud, uuid: string): Promise<InstanceRecord | undefined> =>
  awaitRecord(cloud, uuid, isGone);

/** Their deletions are over, well or not; or the time is, for all of them together. */
export async function awaitAllDeleted(cloud: Cloud, uuids: readonly string[]): Promise<void> {
  let left = [...uuids];
  const over = () => {
    left = left.filter((uuid) => {
      const instance = cloud.store.mirror.get<InstanceRecord>(instanceKey(uuid))?.value;
      return instance !== undefined && !isGone(instance);
    });
    return left.length === 0 || undefined;
  };
  await cloud.store.mirror.until(INSTANCES, over, cloud.config.API_ASYNC_WAIT * 1000);
}

const isGone = ({ state, doomed }: InstanceRecord): boolean => state === "deleted" || !doomed;

/** The record once it is as wished, or as it is after API_ASYNC_WAIT seconds. */
async function awaitRecord(
  cloud: Cloud,
  uuid: string,
  isDone: (instance: InstanceRecord) => boolean,
): Promise<InstanceRecord | undefined> {
  const read = () => cloud.store.mirror.get<InstanceRecord>(instanceKey(uuid))?.value;
  const done = () => {
    const now = read();
    return now !== undefined && isDone(now) ? now : undefined;
  };
  return (await cloud.store.mirror.until(INSTANCES, done, cloud.config.API_ASYNC_WAIT * 1000)) ?? read();
}
