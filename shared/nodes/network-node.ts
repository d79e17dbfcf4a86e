// Which node is the network node: the one whose address is NETWORK_NODE_IP.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { NODES, type NodeRecord } from "./record.ts";

export const networkNodeIp = (cloud: Cloud): string => cloud.config.NETWORK_NODE_IP || cloud.node.ip;

export const isNetworkNode = (cloud: Cloud): boolean => networkNodeIp(cloud) === cloud.node.ip;

/** Its name. Rejects with "unavailable" when no such node has ever registered. */
export function networkNode(cloud: Cloud): string {
  const name = nameOfNetworkNode(cloud);
  if (name !== undefined) return name;
  throw new CloudError("unavailable", `network node ${networkNodeIp(cloud)}: has not registered yet`);
}

/** Of several records of its address, as after a change of its name, the one that was there last. */
export function nameOfNetworkNode(cloud: Cloud): string | undefined {
  const ip = networkNodeIp(cloud);
  const known = cloud.store.mirror
    .list<NodeRecord>(NODES)
    .map(({ value }) => value)
    .filter((node) => node.ip === ip);
  return known.sort((one, other) => other.lastseen - one.lastseen)[0]?.name;
}
