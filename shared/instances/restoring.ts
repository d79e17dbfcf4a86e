// Whether an instance is being brought back after its host has restarted. Until that is over its record says how it should
// be, and what the hypervisor reports of its power is not written down.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { isQueued } from "../jobs.ts";
import type { InstanceRecord } from "./record.ts";

export const RESTORE = "instances/restore";
const AGAIN_S = 2;

export const isRestoring = (cloud: Cloud, { node, uuid }: InstanceRecord): boolean =>
  isQueued(cloud, node, RESTORE, uuid);

/** Rejects with "unavailable" while it is. */
export function requireRestored(cloud: Cloud, instance: InstanceRecord): void {
  if (!isRestoring(cloud, instance)) return;
  const words = `instance ${instance.uuid}: is being brought back after node ${instance.node} restarted, try again`;
  throw new CloudError("unavailable", words, { detail: { retry_after_s: AGAIN_S } });
}
