// What is on a node.
import type { NodeInstance } from "../api/types.ts";
import type { Cloud } from "../cloud.ts";
import { isOver } from "../networks/record.ts";
import { INSTANCES, type InstanceRecord } from "./record.ts";
import { seenInstance } from "./seen.ts";

/** Those that hold something there: not deleted, nor in error with all taken back. */
export function listInstancesOn(cloud: Cloud, node: string): NodeInstance[] {
  const there = cloud.store.mirror
    .list<InstanceRecord>(INSTANCES)
    .map(({ value }) => value)
    .filter((instance) => instance.node === node && (!isOver(instance.state) || instance.leftovers));
  return there.map((instance) => {
    const { uuid, name, namespace, state, power_state } = seenInstance(cloud, instance);
    return { uuid, name, namespace, state, power_state };
  });
}
