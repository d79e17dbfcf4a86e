// Which nodes shall fetch an image.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { NODES, type NodeRecord, nodeKey } from "../nodes/record.ts";

/** Those named, all of them, or this one. One that is away fetches when it is back. Rejects with "not_found" for no node. */
export function chooseNodes(cloud: Cloud, named: string | readonly string[] | null, all: boolean): string[] {
  const { mirror } = cloud.store;
  if (all && named !== null) throw new CloudError("malformed", "give node or all, not both");
  if (all) {
    const nodes = mirror.list<NodeRecord>(NODES).map(({ value }) => value);
    return nodes.filter(({ removing }) => removing !== true).map(({ name }) => name);
  }
  if (named === null) return [cloud.node.name];
  const names = [...new Set([named].flat())];
  const missing = names.find((name) => mirror.get(nodeKey(name)) === undefined);
  if (missing !== undefined) throw new CloudError("not_found", `node ${missing} not found`);
  return names;
}
