// Tells once in a node's history that it has gone away or is back, however many nodes see it: of those that are there, the
// one whose name sorts first does it, and what it has told is written down.
import type { Cloud } from "../cloud.ts";
import { isKind } from "../errors.ts";
import { type Change, create, remove } from "../ports/store/store.ts";
import { NODES, type NodeRecord, PRESENCES, presenceKey } from "./record.ts";

const AWAY = "away/";

/** Stands while the node is away, from when that was told. */
export const awayKey = (node: string): string => `${AWAY}${node}`;

export async function tellPresence(cloud: Cloud): Promise<void> {
  const { mirror } = cloud.store;
  const there = mirror.list(PRESENCES).map(({ key }) => key.slice(PRESENCES.length));
  if (there.sort()[0] !== cloud.node.name) return;
  const told = new Map((await cloud.store.list(AWAY)).map((entry) => [entry.key, entry]));
  for (const { value } of mirror.list<NodeRecord>(NODES)) {
    const mark = told.get(awayKey(value.name));
    const isThere = mirror.get(presenceKey(value.name)) !== undefined;
    if (isThere && mark !== undefined) await tell(cloud, value.name, "back", remove(mark));
    if (!isThere && mark === undefined && value.removing !== true)
      await tell(cloud, value.name, "away", create(awayKey(value.name), { since: cloud.clock.now() }));
  }
}

async function tell(cloud: Cloud, node: string, operation: "away" | "back", change: Change): Promise<void> {
  try {
    await cloud.store.commit([change]);
  } catch (error) {
    // Another node has told it.
    if (isKind(error, "conflict")) return;
    throw error;
  }
  cloud.events.record("node", node, { operation, phase: null });
  cloud.log.warn({ node }, operation === "away" ? "a node has gone away" : "a node is back");
}
