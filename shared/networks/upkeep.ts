// Keeps what this node carries as the records say, whatever was done to it by hand.
import type { Cloud, NewEvent } from "../cloud.ts";
import { messageOf } from "../errors.ts";
import { isNetworkNode } from "../nodes/network-node.ts";
import { NODES, type NodeRecord } from "../nodes/record.ts";
import type { NodeLinks } from "../ports/network/network.ts";
import type { Entry } from "../ports/store/store.ts";
import { belongsHere, convergeNetwork } from "./converge.ts";
import { carrierPrefix, NETWORKS, type NetworkRecord, networkKey } from "./record.ts";
import { guardGuests } from "./taps.ts";

/** What this node has once, for all networks. */
export const nodeLinks = (cloud: Cloud): NodeLinks => ({
  egress_nic: cloud.config.NODE_EGRESS_NIC,
  ...(isNetworkNode(cloud) && cloud.config.FLOATING_NETWORK !== ""
    ? { floating_netblock: cloud.config.FLOATING_NETWORK }
    : {}),
  ...(cloud.config.GUESTS_REACH_NODES ? {} : { off_limits: offLimits(cloud) }),
});

/** The nodes, in the mesh, and the members of the store. */
function offLimits(cloud: Cloud): string[] {
  const nodes = cloud.store.mirror.list<NodeRecord>(NODES).map(({ value }) => value.ip);
  const members = cloud.config.ETCD_HOSTS.map(hostOf);
  return [...new Set([cloud.node.ip, ...nodes, ...members])].sort();
}

/** Without scheme, port and the brackets of IPv6. */
const hostOf = (member: string): string =>
  member.replace(/^\w+:\/\//, "").replace(/^\[(.*)\](:\d+)?$|:\d+$/, "$1");

/** The list of the others is read once it begins: an older one never overwrites a newer one. */
export const ensureNodeLinks = (cloud: Cloud): Promise<string[]> =>
  cloud.mutex.join("node-links", () => cloud.network.ensureNode(nodeLinks(cloud)));

/** Keeps guests from a node from the moment that it is known. Returns the way to stop. */
export function watchNodes(cloud: Cloud): () => void {
  const addressOf = (entry: Entry | undefined) => (entry?.value as NodeRecord | undefined)?.ip;
  return cloud.store.mirror.watch(NODES, ({ before, after }) => {
    if (addressOf(before) === addressOf(after)) return;
    ensureNodeLinks(cloud).catch((error: unknown) =>
      cloud.log.warn({ err: error }, "rules of the node cannot be changed, the upkeep tries again"),
    );
  });
}

/** Mends each network by itself: one that cannot be mended does not stop the care of the others. */
export async function keepNetworks(cloud: Cloud, signal: AbortSignal): Promise<void> {
  await keepNode(cloud);
  const present = await cloud.network.list();
  const wanted = cloud.store.mirror
    .list<NetworkRecord>(NETWORKS)
    .filter(({ value }) => belongsHere(cloud, value));
  const gone = present.map(({ uuid }) => uuid).filter((uuid) => uuid !== undefined && isGone(cloud, uuid));
  const prefix = carrierPrefix(cloud.node.name);
  const carried = cloud.store.mirror.list(prefix).map(({ key }) => key.slice(prefix.length));
  for (const uuid of fromAnywhere(new Set([...wanted.map(({ value }) => value.uuid), ...carried, ...gone]))) {
    if (signal.aborted || uuid === undefined) return;
    await keep(cloud, uuid);
  }
}

/** In order, but not from the first: when the time is not enough for all, each has its turn in some round. */
function fromAnywhere<T>(all: Iterable<T>): T[] {
  const list = [...all];
  const start = Math.floor(Math.random() * list.length);
  return [...list.slice(start), ...list.slice(0, start)];
}

async function keepNode(cloud: Cloud): Promise<void> {
  const tell = (event: NewEvent) => cloud.events.record("node", cloud.node.name, event);
  try {
    const mended = await ensureNodeLinks(cloud);
    if (mended.length > 0) tell({ operation: "mended", phase: null, message: mended.join(", ") });
    await guardGuests(cloud);
  } catch (error) {
    cloud.log.warn({ err: error }, "links and rules of the node cannot be mended");
    tell({ operation: "mend", phase: "failed", message: messageOf(error) });
  }
}

/** Known, and not to be carried here; what has no record at all is not ours to judge. */
function isGone(cloud: Cloud, uuid: string): boolean {
  const network = cloud.store.mirror.get<NetworkRecord>(networkKey(uuid))?.value;
  return network !== undefined && !belongsHere(cloud, network);
}

async function keep(cloud: Cloud, uuid: string): Promise<void> {
  try {
    await convergeNetwork(cloud, uuid, { reason: "upkeep" });
  } catch (error) {
    cloud.log.warn({ err: error, network: uuid }, "network cannot be mended");
    cloud.events.record("network", uuid, { operation: "mend", phase: "failed", message: messageOf(error) });
  }
}
