// Nodes as the wire shows them: a node that is there was seen just now.
import type { Node } from "../api/types.ts";
import type { Cloud } from "../cloud.ts";
import { NODES, type NodeRecord, presenceKey } from "./record.ts";

export function listNodes(cloud: Cloud): Node[] {
  return cloud.store.mirror.list<NodeRecord>(NODES).map(({ value: { name, ip, version, lastseen } }) => {
    const isThere = cloud.store.mirror.get(presenceKey(name)) !== undefined;
    return { name, ip, lastseen: isThere ? cloud.clock.now() : lastseen, version };
  });
}
