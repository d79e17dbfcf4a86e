// What is promised to instances that their node's capacity does not show yet: they are on their way, or came after the node was
// last looked at. What a node has free now is less by that. Kept by following the mirror, so that no create looks through all
// instances.
import type { Cloud } from "../cloud.ts";
import { NO_CLAIM, type Presence, presenceKey } from "../nodes/record.ts";
import type { Mirror } from "../ports/store/store.ts";
import { INSTANCES, type InstanceRecord, needOf } from "./record.ts";
import { isStarting } from "./states.ts";

type Claim = ReturnType<typeof needOf>;

interface Unsettled {
  node: string;
  need: Claim;
  /** From when on a look at the node shows it, s; of one that is on its way, not yet known. */
  since: number;
}

/** By node. */
export function unsettledClaims(cloud: Cloud): ReadonlyMap<string, Claim> {
  const { mirror } = cloud.store;
  const unsettled = cloud.memo.of(mirror, "unsettled instances", () => follow(mirror));
  const claims = new Map<string, Claim>();
  for (const [key, { node, need, since }] of unsettled) {
    const measured = mirror.get<Presence>(presenceKey(node))?.value.measured ?? 0;
    if (since < measured) unsettled.delete(key);
    else claims.set(node, sum(claims.get(node) ?? NO_CLAIM, need));
  }
  return claims;
}

/** By the instance's key; for as long as the mirror lives. */
function follow(mirror: Mirror): Map<string, Unsettled> {
  const unsettled = new Map<string, Unsettled>();
  function take(key: string, instance: InstanceRecord | undefined): void {
    const since = instance === undefined ? undefined : sinceOf(instance);
    if (instance === undefined || since === undefined) unsettled.delete(key);
    else unsettled.set(key, { node: instance.node, need: needOf(instance), since });
  }
  mirror.watch(INSTANCES, ({ key, after }) => take(key, after?.value as InstanceRecord | undefined));
  for (const { key, value } of mirror.list<InstanceRecord>(INSTANCES)) take(key, value);
  return unsettled;
}

function sinceOf(instance: InstanceRecord): number | undefined {
  if (isStarting(instance)) return Number.POSITIVE_INFINITY;
  return instance.state === "created" ? instance.state_updated : undefined;
}

const sum = (one: Claim, other: Claim): Claim => ({
  cpus: one.cpus + other.cpus,
  memory_mib: one.memory_mib + other.memory_mib,
  disk_gib: one.disk_gib + other.disk_gib,
});
