// Keeps new instances off a node, or lets them on again. What runs there is left alone.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { replace } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import { type NodeRecord, nodeKey } from "./record.ts";

/** From the moment that it resolves no create chooses the node. Asking for what is so is success. */
export async function setCordon(cloud: Cloud, name: string, cordoned: boolean): Promise<void> {
  const changed = await transact(cloud.store, async () => {
    const entry = await cloud.store.get<NodeRecord>(nodeKey(name));
    if (entry === undefined) throw new CloudError("not_found", `node ${name} not found`);
    const { cordoned: before = false, ...rest } = entry.value;
    if (before === cordoned) return [[], false];
    return [[replace(entry, cordoned ? { ...rest, cordoned } : rest)], true];
  });
  if (!changed) return;
  cloud.events.record("node", name, { operation: cordoned ? "cordon" : "uncordon", phase: "complete" });
}
