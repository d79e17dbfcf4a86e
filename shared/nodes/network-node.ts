// Which node is the network node: the one whose address is NETWORK_NODE_IP.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { NODES, type NodeRecord } from "./record.ts";

export const networkNodeIp = (cloud: Cloud): string => cloud.config.NETWORK_NODE_IP || cloud.node.ip;

export const isNetworkNode = (cloud: Cloud): boolean => networkNodeIp(cloud) === cloud.node.ip;

/** Its name. Rejects with "unavailable" when no such node has ever registered. */
export function networkNode(cloud: Cloud): string {
  const ip = networkNodeIp(cloud);
  const found = cloud.store.mirror.list<NodeRecord>(NODES).find(({ value }) => value.ip === ip);
  if (found === undefined) throw new CloudError("unavailable", `network node ${ip}: has not registered yet`);
  return found.value.name;
}
