// What is claimed of a node against what its instances need: too much keeps new ones away, too little lets too many in.
import type { Cloud } from "../../cloud.ts";
import { INSTANCES, type InstanceRecord, needOf } from "../../instances/record.ts";
import { holdsAllocations } from "../../instances/release.ts";
import {
  CLAIMS,
  type Claim,
  claimKey,
  NO_CLAIM,
  NODES,
  type NodeRecord,
  nodeKey,
} from "../../nodes/record.ts";
import { create, remove, replace } from "../../ports/store/store.ts";
import { transact } from "../../ports/store/transact.ts";
import { check, type Found } from "../check.ts";

export const claims = check({
  name: "claims",
  summary: "What is claimed of each node is what its instances need",
  scope: "cloud",
  reads_store: true,
  routine: true,

  find(cloud) {
    const { mirror } = cloud.store;
    const claimed = mirror.list<Claim>(CLAIMS).map(({ key }) => key.slice(CLAIMS.length));
    const known = mirror.list<NodeRecord>(NODES).map(({ value }) => value.name);
    return [...new Set([...known, ...claimed])].sort().flatMap((node) => judge(cloud, node));
  },
});

function judge(cloud: Cloud, node: string): Found[] {
  const claimed = cloud.store.mirror.get<Claim>(claimKey(node))?.value;
  const needed = neededOn(cloud, node);
  const isKnown = cloud.store.mirror.get(nodeKey(node)) !== undefined;
  const isWrong = isKnown ? !same(claimed ?? NO_CLAIM, needed) : claimed !== undefined;
  if (!isWrong) return [];
  const problem = isKnown
    ? `${shown(claimed ?? NO_CLAIM)} are claimed, its instances need ${shown(needed)}`
    : "there is no such node";
  const mend = "sf-client admin doctor --fix --check claims";
  return [{ subject: `claim on node ${node}`, problem, mend, fix: () => settle(cloud, node) }];
}

/** Compared with every record that it is the sum of: whatever changes an instance changes the claim with it. */
const settle = (cloud: Cloud, node: string): Promise<void> =>
  transact<void>(cloud.store, () => {
    const entry = cloud.store.mirror.get<Claim>(claimKey(node));
    const needed = neededOn(cloud, node);
    if (cloud.store.mirror.get(nodeKey(node)) === undefined)
      return [entry === undefined ? [] : [remove(entry)], undefined];
    return [[entry === undefined ? create(claimKey(node), needed) : replace(entry, needed)], undefined];
  });

function neededOn(cloud: Cloud, node: string): Claim {
  const sum = { ...NO_CLAIM };
  for (const { value } of cloud.store.mirror.list<InstanceRecord>(INSTANCES)) {
    if (value.node !== node || !holdsAllocations(value)) continue;
    const need = needOf(value);
    sum.cpus += need.cpus;
    sum.memory_mib += need.memory_mib;
    sum.disk_gib += need.disk_gib;
  }
  return sum;
}

const same = (one: Claim, other: Claim): boolean =>
  one.cpus === other.cpus && one.memory_mib === other.memory_mib && one.disk_gib === other.disk_gib;

const shown = ({ cpus, memory_mib, disk_gib }: Claim): string =>
  `${cpus} vCPUs, ${memory_mib} MiB and ${disk_gib} GiB`;
