// The removal of a node that does not come back. A mark on its record begins it: from then on nothing is placed there and the
// node cannot register. What was lost with it is kept, for when the machine is seen again: that alone is taken off it.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { eventPrefix } from "../events/record.ts";
import { jobPrefix } from "../jobs.ts";
import { create, discard, type Entry, remove, replace } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import { awayKey } from "./away.ts";
import { bootKey } from "./boot.ts";
import { nameOfNetworkNode } from "./network-node.ts";
import { claimKey, NO_CLAIM, type NodeRecord, nodeKey, presenceKey } from "./record.ts";

/** What was on the node, by uuid. Stays until a node of that name has taken it off its machine. */
export interface LostRecord {
  instances: string[];
  snapshots: string[];
}

export const lostKey = (node: string): string => `lost/${node}`;

export const nodeLockName = (name: string): string => `node/${name}`;

/** The node of the path. */
export async function theNode(path: {
  cloud: Cloud;
  params: Readonly<Record<string, string>>;
}): Promise<Entry<NodeRecord>> {
  const name = path.params.node ?? "";
  const { store } = path.cloud;
  const found = store.mirror.get<NodeRecord>(nodeKey(name)) ?? (await store.get<NodeRecord>(nodeKey(name)));
  if (found === undefined) throw new CloudError("not_found", `node ${name} not found`);
  return found;
}

/**
 * Rejects with "conflict" while the node is there, and for the network node. A create that chose the node before compares
 * the claim, which is written anew: it loses, and chooses again. Asking again is fine.
 */
export async function beginRemoval(cloud: Cloud, name: string): Promise<void> {
  const begun = await transact(cloud.store, () => {
    const { mirror } = cloud.store;
    const entry = mirror.get<NodeRecord>(nodeKey(name));
    if (entry === undefined) throw new CloudError("not_found", `node ${name} not found`);
    if (entry.value.removing === true) return [[], false];
    requireRemovable(cloud, entry.value);
    const claim = mirror.get(claimKey(name));
    const changes = [
      replace(entry, { ...entry.value, removing: true }),
      { key: presenceKey(name), expect: 0 },
      claim === undefined ? create(claimKey(name), NO_CLAIM) : replace(claim, claim.value),
    ];
    return [changes, true];
  });
  if (begun) cloud.log.warn({ node: name }, "a node is being removed");
}

function requireRemovable(cloud: Cloud, { name }: NodeRecord): void {
  if (name === nameOfNetworkNode(cloud)) {
    const advice = "make another one the network node first (SHAKENFIST_NETWORK_NODE_IP of every node)";
    throw new CloudError("conflict", `node ${name}: is the network node, which has every network: ${advice}`);
  }
  if (cloud.store.mirror.get(presenceKey(name)) !== undefined)
    throw new CloudError("conflict", `node ${name}: is still there: stop it first`);
}

/** Rejects with "conflict" for a node that is being removed: what registers would be taken away under it. */
export function requireNotRemoving(record: NodeRecord | undefined): void {
  if (record?.removing !== true) return;
  const words = `node ${record.name}: is being removed; it can join again once DELETE /nodes/${record.name} has ended`;
  throw new CloudError("conflict", words);
}

/** Notes what goes with the node, before any of it is let go of; answers all that was noted. */
export function noteLost(cloud: Cloud, name: string, lost: LostRecord): Promise<LostRecord> {
  return transact<LostRecord>(cloud.store, async () => {
    const known = await cloud.store.get<LostRecord>(lostKey(name));
    const all = {
      instances: [...new Set([...(known?.value.instances ?? []), ...lost.instances])],
      snapshots: [...new Set([...(known?.value.snapshots ?? []), ...lost.snapshots])],
    };
    return [[known === undefined ? create(lostKey(name), all) : replace(known, all)], all];
  });
}

/** Forgets the node: `prefixes` is what else is kept for it. Its record goes last, so that a crash before can be made good. */
export async function endRemoval(cloud: Cloud, name: string, prefixes: readonly string[]): Promise<void> {
  for (const prefix of [...prefixes, jobPrefix(name), eventPrefix("node", name)])
    await cloud.store.clear(prefix);
  await transact(cloud.store, () => {
    const entry = cloud.store.mirror.get<NodeRecord>(nodeKey(name));
    if (entry?.value.removing !== true) return [[], undefined];
    const others = [claimKey(name), bootKey(name), awayKey(name)];
    return [[remove(entry), ...others.map(discard)], undefined];
  });
  cloud.log.warn({ node: name }, "a node was removed");
}
