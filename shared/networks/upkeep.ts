// Keeps what this node carries as the records say, whatever was done to it by hand.
import type { Cloud } from "../cloud.ts";
import { messageOf } from "../errors.ts";
import { isNetworkNode } from "../nodes/network-node.ts";
import type { NodeLinks } from "../ports/network/network.ts";
import { belongsHere, convergeNetwork } from "./converge.ts";
import { carrierPrefix, NETWORKS, type NetworkRecord, networkKey } from "./record.ts";

/** What this node has once, for all networks. */
export const nodeLinks = (cloud: Cloud): NodeLinks => ({
  egress_nic: cloud.config.NODE_EGRESS_NIC,
  ...(isNetworkNode(cloud) && cloud.config.FLOATING_NETWORK !== ""
    ? { floating_netblock: cloud.config.FLOATING_NETWORK }
    : {}),
});

/** Mends each network by itself: one that cannot be mended does not stop the care of the others. */
export async function keepNetworks(cloud: Cloud, signal: AbortSignal): Promise<void> {
  const mended = await cloud.network.ensureNode(nodeLinks(cloud));
  if (mended.length > 0) cloud.log.info({ mended }, "node links mended");
  const present = await cloud.network.list();
  const wanted = cloud.store.mirror
    .list<NetworkRecord>(NETWORKS)
    .filter(({ value }) => belongsHere(cloud, value));
  const gone = present.map(({ uuid }) => uuid).filter((uuid) => uuid !== undefined && isGone(cloud, uuid));
  const prefix = carrierPrefix(cloud.node.name);
  const carried = cloud.store.mirror.list(prefix).map(({ key }) => key.slice(prefix.length));
  for (const uuid of new Set([...wanted.map(({ value }) => value.uuid), ...carried, ...gone])) {
    if (signal.aborted || uuid === undefined) return;
    await keep(cloud, uuid);
  }
}

/** Known, and not to be carried here; what has no record at all is not ours to judge. */
function isGone(cloud: Cloud, uuid: string): boolean {
  const network = cloud.store.mirror.get<NetworkRecord>(networkKey(uuid))?.value;
  return network !== undefined && !belongsHere(cloud, network);
}

async function keep(cloud: Cloud, uuid: string): Promise<void> {
  try {
    const mended = await convergeNetwork(cloud, uuid);
    if (mended.length === 0) return;
    cloud.events.record("network", uuid, { operation: "mended", phase: null, message: mended.join(", ") });
  } catch (error) {
    cloud.log.warn({ err: error, network: uuid }, "network cannot be mended");
    cloud.events.record("network", uuid, { operation: "mend", phase: "failed", message: messageOf(error) });
  }
}
