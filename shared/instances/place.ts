// Places an instance: gathers what the choice of a node depends on, and tells the instance's history how it was made.
import type { Cloud } from "../cloud.ts";
import { knownImages } from "../images/known.ts";
import { type AddressRecord, addressPrefix, type InterfaceRecord, interfaceKey } from "../networks/record.ts";
import { chooseNode, type Need, type Placement } from "../nodes/placement.ts";
import { pythonList } from "../python.ts";
import type { DiskSpec } from "./record.ts";
import { unsettledClaims } from "./unsettled.ts";

export interface Placed extends Placement {
  /** Seconds. */
  duration: number;
}

interface Wanted {
  need: Need;
  placedOn: string | undefined;
  disks: readonly DiskSpec[];
  /** UUIDs, maybe some twice. */
  networks: readonly string[];
}

/** Rejects as `chooseNode` does. */
export async function placeInstance(cloud: Cloud, wanted: Wanted): Promise<Placed> {
  const started = cloud.clock.now();
  const { need, placedOn, disks } = wanted;
  const images = await knownImages(
    cloud,
    disks.flatMap(({ base }) => base || []),
  );
  const distinct = [...new Set(wanted.networks)];
  const networks =
    distinct.length === 0 ? undefined : countByNode(distinct.map((uuid) => nodesOn(cloud, uuid)));
  // From here on nothing is waited for: the claim that is compared and what stands beside it are of one moment.
  const unsettled = unsettledClaims(cloud);
  const placement = chooseNode(cloud, {
    ...{ need, placedOn, unsettled, networks },
    images: countByNode(images),
  });
  return { ...placement, duration: cloud.clock.now() - started };
}

export function recordPlacement(cloud: Cloud, uuid: string, { trail, node, duration }: Placed): void {
  const note = (phase: string, message: string | null = null) =>
    cloud.events.record("instance", uuid, { operation: "schedule", phase, message });
  note("start");
  for (const [rule, left] of trail) note(rule, pythonList(left));
  cloud.events.record("instance", uuid, { operation: "schedule", phase: "finish", duration });
  cloud.events.record("instance", uuid, { operation: "placement", phase: null, message: node });
}

/** The nodes with instances on a network. */
function nodesOn({ store: { mirror } }: Cloud, network: string): ReadonlySet<string> {
  const nodes = new Set<string>();
  for (const { value } of mirror.list<AddressRecord>(addressPrefix(network))) {
    const holder = mirror.get<InterfaceRecord>(interfaceKey(value.owner))?.value;
    if (holder !== undefined) nodes.add(holder.node);
  }
  return nodes;
}

function countByNode(sets: readonly ReadonlySet<string>[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const nodes of sets) for (const node of nodes) counts.set(node, (counts.get(node) ?? 0) + 1);
  return counts;
}
