// Chooses the node for a new instance, by rules that each take candidates away, and claims what it needs there.
// The claim is compared in the transaction of the create: two creates at once can never both take the last room.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { type Change, create, type Entry, replace } from "../ports/store/store.ts";
import { type Claim, claimKey, NO_CLAIM, nodeKey, PRESENCES, type Presence } from "./record.ts";

/** What an instance wants of a node. */
export type Need = Claim;

interface Candidate {
  name: string;
  has: Presence;
  claimed: Claim;
}

interface Rule {
  /** What the caller is told when no node is left. */
  refusal: string;
  fits(candidate: Candidate, need: Need, config: Cloud["config"]): boolean;
}

const rules: readonly Rule[] = [
  { refusal: "Requested vCPUs exceeds vCPU limit", fits: ({ has }, need) => need.cpus <= has.cpu_max },
  {
    refusal: "No nodes with enough idle CPU",
    fits: ({ has, claimed }, need, config) =>
      claimed.cpus + need.cpus <= has.cpu_max * config.CPU_OVERCOMMIT_RATIO,
  },
  {
    refusal: "No nodes with enough idle RAM",
    fits: ({ has, claimed }, need, config) =>
      has.memory_available_mib - config.RAM_SYSTEM_RESERVATION * 1024 - need.memory_mib >= 0 &&
      (claimed.memory_mib + need.memory_mib) / has.memory_max_mib <= config.RAM_OVERCOMMIT_RATIO,
  },
  { refusal: "No nodes with enough disk space", fits: ({ has }, need) => need.disk_gib <= has.disk_free_gib },
];

/** Rejects with "not_found" for a node that is asked for and does not exist. */
export function requireKnownNode(cloud: Cloud, placedOn: string | undefined): void {
  if (placedOn !== undefined && cloud.store.mirror.get(nodeKey(placedOn)) === undefined) {
    throw new CloudError("not_found", "Specified node does not exist");
  }
}

/**
 * Rejects with "insufficient" when no node fits, or not the one that is asked for; with "unavailable" when none is there,
 * as in the moment after the store was away.
 */
export function chooseNode(cloud: Cloud, need: Need, placedOn: string | undefined): string {
  const present = presentNodes(cloud);
  if (present.length === 0)
    throw new CloudError("unavailable", "No nodes with metrics: all are away, or just starting");
  let left = present.filter(({ name }) => placedOn === undefined || name === placedOn);
  if (left.length === 0) throw new CloudError("insufficient", "No nodes with metrics");
  for (const rule of rules) {
    left = left.filter((candidate) => rule.fits(candidate, need, cloud.config));
    if (left.length === 0) throw new CloudError("insufficient", rule.refusal);
  }
  const chosen = left[Math.floor(Math.random() * left.length)];
  if (chosen === undefined) throw new CloudError("insufficient", "No nodes with metrics");
  return chosen.name;
}

function presentNodes(cloud: Cloud): Candidate[] {
  return cloud.store.mirror.list<Presence>(PRESENCES).map(({ key, value }) => {
    const name = key.slice(PRESENCES.length);
    return { name, has: value, claimed: claimOf(cloud, name)?.value ?? NO_CLAIM };
  });
}

const claimOf = (cloud: Cloud, node: string): Entry<Claim> | undefined =>
  cloud.store.mirror.get<Claim>(claimKey(node));

/** Adds the need to what is claimed of the node, or with -1 takes it away. */
export function changeClaim(cloud: Cloud, node: string, need: Need, sign: 1 | -1): Change {
  const entry = claimOf(cloud, node);
  const before = entry?.value ?? NO_CLAIM;
  const after: Claim = {
    cpus: before.cpus + sign * need.cpus,
    memory_mib: before.memory_mib + sign * need.memory_mib,
    disk_gib: before.disk_gib + sign * need.disk_gib,
  };
  return entry === undefined ? create(claimKey(node), after) : replace(entry, after);
}
