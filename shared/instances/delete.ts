// Asks for an instance's deletion: from that transaction on nothing may start it.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { enqueue } from "../jobs.ts";
import { replace } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import { INSTANCES, type InstanceRecord, instanceKey } from "./record.ts";

/** Rejects with "not_found" when it is deleted already; asking twice is fine. */
export async function beginDeletion(cloud: Cloud, uuid: string): Promise<void> {
  const asked = await transact(cloud.store, () => {
    const entry = cloud.store.mirror.get<InstanceRecord>(instanceKey(uuid));
    if (entry === undefined || entry.value.state === "deleted")
      throw new CloudError("not_found", "instance not found");
    if (entry.value.doomed && entry.value.state !== "error") return [[], false];
    const job = enqueue(cloud, entry.value.node, "instances/delete", { type: "instance", uuid });
    return [[replace(entry, { ...entry.value, doomed: true }), job], true];
  });
  if (asked) cloud.events.record("instance", uuid, { operation: "queued", phase: "delete" });
}

/** The record once it is in one of the states, or as it is after the time. */
export async function awaitState(
  cloud: Cloud,
  uuid: string,
  states: readonly InstanceRecord["state"][],
): Promise<InstanceRecord | undefined> {
  const read = () => cloud.store.mirror.get<InstanceRecord>(instanceKey(uuid))?.value;
  const settled = () => {
    const now = read();
    return now !== undefined && states.includes(now.state) ? now : undefined;
  };
  return (await cloud.store.mirror.until(INSTANCES, settled, cloud.config.API_ASYNC_WAIT * 1000)) ?? read();
}
