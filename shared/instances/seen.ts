// Instances as they can be told of now: of a node that is away nobody knows how its guests are. The records stay as they are:
// they say what to bring back. What is not away is handed on untouched, so that its answer stays made.
import type { Cloud } from "../cloud.ts";
import { isOver } from "../networks/record.ts";
import { PRESENCES, presenceKey } from "../nodes/record.ts";
import type { InstanceRecord } from "./record.ts";

export interface SeenInstance extends InstanceRecord {
  /** Why its power is not known. */
  power_state_reason?: string;
}

/** Of a list: as it was seen when the presence of nodes was `presences`. */
interface Seen {
  presences: unknown;
  away: string;
  shown: readonly SeenInstance[];
}

const isAway = (cloud: Cloud, node: string): boolean =>
  cloud.store.mirror.get(presenceKey(node)) === undefined;

export function seenInstance(cloud: Cloud, record: InstanceRecord): SeenInstance {
  if (!isAway(cloud, record.node) || isOver(record.state)) return record;
  const reason = `node ${record.node} is away`;
  return cloud.memo.of(record, "of an away node", () =>
    Object.freeze({ ...record, power_state: "unknown", power_state_reason: reason }),
  );
}

/** The same list for as long as neither it nor which of its nodes are away changes. */
export function seenInstances(cloud: Cloud, records: readonly InstanceRecord[]): readonly SeenInstance[] {
  const presences = cloud.store.mirror.list(PRESENCES);
  const seen = cloud.memo.of<Seen>(records, "seen", () => ({ presences: [], away: "", shown: records }));
  if (seen.presences === presences) return seen.shown;
  const nodes = cloud.memo.of(records, "nodes", () => new Set(records.map(({ node }) => node)));
  const away = [...nodes].filter((node) => isAway(cloud, node)).join(" ");
  if (away !== seen.away)
    seen.shown = away === "" ? records : Object.freeze(records.map((record) => seenInstance(cloud, record)));
  seen.presences = presences;
  seen.away = away;
  return seen.shown;
}
