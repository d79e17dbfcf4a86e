// The nodes that are there, with what they have: made once and kept until a node comes, goes or changes. What is claimed of
// them follows the mirror, so that choosing among many is a plain loop without a look-up.
import type { Cloud } from "../cloud.ts";
import type { Entry, Mirror } from "../ports/store/store.ts";
import {
  type Capacity,
  CLAIMS,
  type Claim,
  NO_CLAIM,
  NODES,
  type NodeRecord,
  PRESENCES,
  type Presence,
  presenceKey,
} from "./record.ts";

export interface Candidate {
  readonly name: string;
  readonly record: Entry<NodeRecord>;
  /** It may get new instances. */
  readonly isOpen: boolean;
  readonly has: Capacity;
  /** As it stands in the mirror at any moment. */
  readonly claimed: { readonly now: Claim };
}

interface Roster {
  nodes: unknown;
  candidates: readonly Candidate[];
}

/** In the order of their names; cordoned ones too. */
export function candidatesOf(cloud: Cloud): readonly Candidate[] {
  const { mirror } = cloud.store;
  const nodes = mirror.list<NodeRecord>(NODES);
  const presences = mirror.list<Presence>(PRESENCES);
  const roster = cloud.memo.of<Roster>(presences, "candidates", () => ({ nodes: undefined, candidates: [] }));
  if (roster.nodes !== nodes) {
    roster.nodes = nodes;
    roster.candidates = nodes.flatMap((record) => candidateOf(cloud, record) ?? []);
  }
  return roster.candidates;
}

/** Undefined for a node that is away. */
export function candidateOf(cloud: Cloud, record: Entry<NodeRecord>): Candidate | undefined {
  const { mirror } = cloud.store;
  const { name } = record.value;
  const has = mirror.get<Presence>(presenceKey(name))?.value;
  if (has === undefined) return undefined;
  const { cpu_max, memory_max_mib, memory_available_mib, disk_free_gib } = has;
  return {
    name,
    record,
    isOpen: record.value.cordoned !== true && record.value.removing !== true,
    has: { cpu_max, memory_max_mib, memory_available_mib, disk_free_gib },
    claimed: cloud.memo.of(mirror, "claims", () => follow(mirror)).of(name),
  };
}

interface Claimed {
  now: Claim;
}

/** For as long as the mirror lives. */
function follow(mirror: Mirror): { of(node: string): Claimed } {
  const known = new Map<string, Claimed>();
  function of(node: string): Claimed {
    const claimed = known.get(node) ?? { now: NO_CLAIM };
    known.set(node, claimed);
    return claimed;
  }
  mirror.watch(CLAIMS, ({ key, after }) => {
    of(key.slice(CLAIMS.length)).now = (after?.value as Claim | undefined) ?? NO_CLAIM;
  });
  for (const { key, value } of mirror.list<Claim>(CLAIMS)) of(key.slice(CLAIMS.length)).now = value;
  return { of };
}
