// Publishes what this node has; its capacity is looked at anew as long as it has instances that it does not show yet.
import type { Cloud } from "../cloud.ts";
import { publishMetrics } from "../nodes/publish.ts";
import { unsettledClaims } from "./unsettled.ts";

export const publishNode = (cloud: Cloud): Promise<void> =>
  publishMetrics(cloud, () => unsettledClaims(cloud).has(cloud.node.name));
