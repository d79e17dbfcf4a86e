// Deletes many instances at once.
import type { Cloud } from "../cloud.ts";
import { isKind } from "../errors.ts";
import { eachOf } from "../parallel.ts";
import { awaitAllDeleted, beginDeletion } from "./deletion.ts";
import { INSTANCES, type InstanceRecord } from "./record.ts";

const AT_ONCE = 8;

/** Those in error too. Answers the uuids of those whose deletion was asked for, and waits for them together. */
export async function deleteInstances(
  cloud: Cloud,
  isMeant: (instance: InstanceRecord) => boolean,
): Promise<string[]> {
  const uuids = cloud.store.mirror
    .list<InstanceRecord>(INSTANCES)
    .filter(({ value }) => isMeant(value) && value.state !== "deleted")
    .map(({ value }) => value.uuid);
  const asked = (await eachOf(uuids, AT_ONCE, (uuid) => begin(cloud, uuid))).flat();
  await awaitAllDeleted(cloud, asked);
  return asked;
}

/** One that was deleted meanwhile is none of ours. */
async function begin(cloud: Cloud, uuid: string): Promise<string[]> {
  try {
    await beginDeletion(cloud, uuid);
    return [uuid];
  } catch (error) {
    if (isKind(error, "not_found")) return [];
    throw error;
  }
}
