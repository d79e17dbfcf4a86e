// Chooses the node for a new instance, by rules that each take candidates away, and claims what it needs there. Decided on the
// mirror in plain loops; the transaction of the create compares the claim and the node's record, so that two creates can never
// both take the last room, and none lands on a node that was cordoned meanwhile.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { type Change, check, create, type Entry, replace } from "../ports/store/store.ts";
import { type Candidate, candidatesOf } from "./candidates.ts";
import { networkNodeIp } from "./network-node.ts";
import { type Claim, claimKey, NO_CLAIM, nodeKey } from "./record.ts";
import { explain } from "./refusal.ts";
import { RULES } from "./rules.ts";

/** What an instance wants of a node. */
export type Need = Claim;

export interface Wish {
  need: Need;
  /** The node that is asked for. */
  placedOn: string | undefined;
  /** By node: what is promised to instances that the node's capacity does not show yet. */
  unsettled: ReadonlyMap<string, Claim>;
  /** By node: how many of the wanted networks it has; undefined when none is wanted. */
  networks: ReadonlyMap<string, number> | undefined;
  /** By node: how many of the wanted base images it has. */
  images: ReadonlyMap<string, number>;
}

/** A rule and the names of the nodes that it left. */
export type Left = readonly [rule: string, nodes: readonly string[]];

export interface Placement {
  node: string;
  /** Belong in the transaction that makes the instance. */
  changes: Change[];
  /** How it came to be chosen. */
  trail: Left[];
}

/** Longer lists are cut in a trail. */
const NAMES = 50;

/** Rejects with "not_found" for a node that is asked for and does not exist. */
export async function requireKnownNode({ store }: Cloud, placedOn: string | undefined): Promise<void> {
  if (placedOn === undefined || store.mirror.get(nodeKey(placedOn)) !== undefined) return;
  if ((await store.get(nodeKey(placedOn))) === undefined)
    throw new CloudError("not_found", "Specified node does not exist");
}

/**
 * Rejects with "insufficient" and the reasons by node when none fits, or not the one that is asked for; with "unavailable" when
 * none is there, as in the moment after the store was away.
 */
export function chooseNode(cloud: Cloud, wish: Wish): Placement {
  const all = candidatesOf(cloud);
  if (all.length === 0)
    throw new CloudError("unavailable", "No nodes with metrics: all are away, or just starting");
  const trail: Left[] = [];
  const note = (rule: string, left: readonly Candidate[]) =>
    trail.push([rule, left.slice(0, NAMES).map(({ name }) => name)]);
  const fitting = fit(cloud, wish, all, note);
  const liked = prefer(cloud, wish, fitting, note);
  const chosen = liked[Math.floor(Math.random() * liked.length)] as Candidate;
  const { name, record } = chosen;
  return { node: name, changes: [check(record), changeClaim(cloud, name, wish.need, 1)], trail };
}

type Note = (rule: string, left: readonly Candidate[]) => void;

/** Those that can take it: at least one. */
function fit(cloud: Cloud, wish: Wish, all: readonly Candidate[], note: Note): readonly Candidate[] {
  const { placedOn } = wish;
  let left = keep(all, ({ name, isOpen }) => isOpen && (placedOn === undefined || name === placedOn));
  if (left.length === 0) throw explain(cloud, "No nodes with metrics", wish);
  note(placedOn === undefined ? "Initial candidates" : "Forced candidates", left);
  for (const rule of RULES) {
    left = keep(left, (candidate) => rule.shortage(cloud, candidate, wish) <= 0);
    if (left.length === 0) throw explain(cloud, rule.refusal, wish);
    note(rule.name, left);
  }
  return left;
}

/** Those among them where it is best off. */
function prefer(cloud: Cloud, wish: Wish, fitting: readonly Candidate[], note: Note): readonly Candidate[] {
  const ip = networkNodeIp(cloud);
  const isOther = ({ record }: Candidate) => record.value.ip !== ip;
  let left = fitting;
  if (wish.networks !== undefined) {
    const [most, best] = withMost(left, wish.networks);
    // One network on the network node alone says nothing: it was made there.
    if (best !== 1 || most.some(isOther)) left = most;
    note("Have most matching networks", left);
  }
  [left] = withMost(left, wish.images);
  note("Have most matching images", left);
  const others = keep(left, isOther);
  if (others.length === 0 || others.length === left.length) return left;
  note("Are non-network nodes", others);
  return others;
}

/** As `filter`, without a copy where all stay: that is most of the time, and of the cost. */
function keep(left: readonly Candidate[], fits: (candidate: Candidate) => boolean): readonly Candidate[] {
  return left.every(fits) ? left : left.filter(fits);
}

function withMost(
  left: readonly Candidate[],
  counts: ReadonlyMap<string, number>,
): [most: readonly Candidate[], best: number] {
  if (counts.size === 0) return [left, 0];
  const countOf = ({ name }: Candidate) => counts.get(name) ?? 0;
  const best = left.reduce((most, candidate) => Math.max(most, countOf(candidate)), 0);
  return [best === 0 ? left : left.filter((candidate) => countOf(candidate) === best), best];
}

/** Adds the need to what is claimed of the node, or with -1 takes it away. */
export function changeClaim(cloud: Cloud, node: string, need: Need, sign: 1 | -1): Change {
  const entry: Entry<Claim> | undefined = cloud.store.mirror.get<Claim>(claimKey(node));
  const before = entry?.value ?? NO_CLAIM;
  const after: Claim = {
    cpus: before.cpus + sign * need.cpus,
    memory_mib: before.memory_mib + sign * need.memory_mib,
    disk_gib: before.disk_gib + sign * need.disk_gib,
  };
  return entry === undefined ? create(claimKey(node), after) : replace(entry, after);
}
