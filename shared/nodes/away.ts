// Tells once in a node's history that it has gone away or is back, however many nodes see it: of those that are there, the
// one whose name sorts first does it, and what it has told is written down.
import type { Cloud } from "../cloud.ts";
import { isKind } from "../errors.ts";
import { type Change, check, create, type Entry, remove } from "../ports/store/store.ts";
import { NODES, type NodeRecord, PRESENCES, presenceKey } from "./record.ts";

const AWAY = "away/";

/** Stands while the node is away, from when that was told. */
export const awayKey = (node: string): string => `${AWAY}${node}`;

/** Of the nodes that are there this one sorts first: it does what one of them has to do. */
export function isFirstPresent({ store, node }: Cloud): boolean {
  const there = store.mirror.list(PRESENCES).map(({ key }) => key.slice(PRESENCES.length));
  return there.sort()[0] === node.name;
}

export async function tellPresence(cloud: Cloud): Promise<void> {
  const { mirror } = cloud.store;
  if (!isFirstPresent(cloud)) return;
  const told = new Map((await cloud.store.list(AWAY)).map((entry) => [entry.key, entry]));
  for (const entry of mirror.list<NodeRecord>(NODES)) {
    const { name, removing } = entry.value;
    const mark = told.get(awayKey(name));
    const isThere = mirror.get(presenceKey(name)) !== undefined;
    if (isThere && mark !== undefined) await tell(cloud, entry, "back", remove(mark));
    if (!isThere && mark === undefined && removing !== true)
      await tell(cloud, entry, "away", create(awayKey(name), { since: cloud.clock.now() }));
  }
}

/** The record is compared too: nothing is written down of a node that is removed meanwhile. */
async function tell(
  cloud: Cloud,
  entry: Entry<NodeRecord>,
  operation: "away" | "back",
  change: Change,
): Promise<void> {
  const node = entry.value.name;
  try {
    await cloud.store.commit([change, check(entry)]);
  } catch (error) {
    // Another node has told it, or the record is a newer one: the next look tells.
    if (isKind(error, "conflict")) return;
    throw error;
  }
  cloud.events.record("node", node, { operation, phase: null });
  cloud.log.warn({ node }, operation === "away" ? "a node has gone away" : "a node is back");
}
