// Deletes many networks at once.
import type { Cloud } from "../cloud.ts";
import { CloudError, isKind } from "../errors.ts";
import { eachOf } from "../parallel.ts";
import { awaitNetworksDeleted } from "./await.ts";
import { beginDeletion } from "./delete.ts";
import { NETWORKS, type NetworkRecord } from "./record.ts";

const AT_ONCE = 8;

/**
 * Answers the uuids of those that go. Rejects with "forbidden", its words an object that lists both, when something is on
 * some: the others go all the same.
 */
export async function deleteNetworks(
  cloud: Cloud,
  isMeant: (network: NetworkRecord) => boolean,
): Promise<string[]> {
  const uuids = cloud.store.mirror
    .list<NetworkRecord>(NETWORKS)
    .filter(({ value }) => isMeant(value) && value.state !== "deleted")
    .map(({ value }) => value.uuid);
  const outcomes = await eachOf(uuids, AT_ONCE, async (uuid) => ({ uuid, ...(await begin(cloud, uuid)) }));
  const named = (wanted: Outcome) =>
    outcomes.filter(({ outcome }) => outcome === wanted).map(({ uuid }) => uuid);
  const deleted = named("begun");
  const unable = named("in use");
  await awaitNetworksDeleted(cloud, deleted);
  if (unable.length === 0) return deleted;
  throw new CloudError("forbidden", "you cannot delete an in use network", {
    detail: { error: { deleted, unable } },
  });
}

type Outcome = "begun" | "in use" | "gone";

async function begin(cloud: Cloud, uuid: string): Promise<{ outcome: Outcome }> {
  try {
    await beginDeletion(cloud, uuid);
    return { outcome: "begun" };
  } catch (error) {
    if (isKind(error, "forbidden")) return { outcome: "in use" };
    if (isKind(error, "not_found")) return { outcome: "gone" };
    throw error;
  }
}
