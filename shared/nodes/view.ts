// Nodes as the wire shows them: a node that is there was seen just now.
import type { Node } from "../api/types.ts";
import type { Cloud } from "../cloud.ts";
import { nameOfNetworkNode, networkNodeIp } from "./network-node.ts";
import {
  type Claim,
  claimKey,
  type Metrics,
  metricsKey,
  NO_CLAIM,
  NODES,
  type NodeRecord,
  presenceKey,
} from "./record.ts";

export const listNodes = (cloud: Cloud): Node[] =>
  cloud.store.mirror.list<NodeRecord>(NODES).map(({ value }) => viewNode(cloud, value));

export function viewNode(cloud: Cloud, record: NodeRecord): Node {
  const { name, ip, lastseen, version, cordoned = false } = record;
  const isThere = cloud.store.mirror.get(presenceKey(name)) !== undefined;
  const isNetworkNode = ip === networkNodeIp(cloud) && name === nameOfNetworkNode(cloud);
  return {
    ...{ name, ip, lastseen: isThere ? cloud.clock.now() : lastseen, version },
    state: isThere ? "present" : "away",
    roles: ["hypervisor", ...(isNetworkNode ? ["network node"] : [])],
    cordoned,
  };
}

/** What is promised of the node, and its gauges, none when it is away. */
export function viewLoad(cloud: Cloud, name: string): { claims: Claim; metrics: Metrics } {
  const { mirror } = cloud.store;
  return {
    claims: mirror.get<Claim>(claimKey(name))?.value ?? NO_CLAIM,
    metrics: mirror.get<Metrics>(metricsKey(name))?.value ?? {},
  };
}
