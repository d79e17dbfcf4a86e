// Waits for networks to settle.
import type { Cloud } from "../cloud.ts";
import { NETWORKS, type NetworkRecord, type NetworkState, networkKey } from "./record.ts";

/** The record once it is in one of the states, or as it is after API_ASYNC_WAIT seconds. */
export async function awaitNetworkState(
  cloud: Cloud,
  uuid: string,
  states: readonly NetworkState[],
): Promise<NetworkRecord | undefined> {
  const read = () => cloud.store.mirror.get<NetworkRecord>(networkKey(uuid))?.value;
  const settled = () => {
    const now = read();
    return now !== undefined && states.includes(now.state) ? now : undefined;
  };
  return (await cloud.store.mirror.until(NETWORKS, settled, cloud.config.API_ASYNC_WAIT * 1000)) ?? read();
}

/** Their deletions are over, well or not; or API_ASYNC_WAIT seconds are, for all of them together. */
export async function awaitNetworksDeleted(cloud: Cloud, uuids: readonly string[]): Promise<void> {
  const stillGoing = (uuid: string) =>
    cloud.store.mirror.get<NetworkRecord>(networkKey(uuid))?.value.state === "deleting";
  let left = [...uuids];
  const over = () => {
    left = left.filter(stillGoing);
    return left.length === 0 || undefined;
  };
  await cloud.store.mirror.until(NETWORKS, over, cloud.config.API_ASYNC_WAIT * 1000);
}
