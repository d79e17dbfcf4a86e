// Which cached images the disks of instances stand on, or soon will.
import { basename } from "node:path";
import type { Cloud } from "../cloud.ts";
import type { Needs } from "../images/clean.ts";
import { isOver } from "../networks/record.ts";
import { INSTANCES, type InstanceRecord } from "./record.ts";
import { isStarting } from "./states.ts";

/** The instances that are there, with their bases' files by name. */
function basesOf({ block_devices }: InstanceRecord): string[] {
  const devices = block_devices?.devices ?? [];
  return devices.flatMap(({ base }) => (base === null ? [] : [basename(base.path)]));
}

const living = (cloud: Cloud): InstanceRecord[] =>
  cloud.store.mirror
    .list<InstanceRecord>(INSTANCES)
    .map(({ value }) => value)
    .filter(({ state }) => !isOver(state));

/** What this node's cache must keep. */
export function neededBases(cloud: Cloud): Needs {
  const mine = living(cloud).filter(({ node }) => node === cloud.node.name);
  return {
    files: new Set(mine.flatMap(basesOf)),
    since: Math.min(...mine.filter(isStarting).map(({ state_updated }) => state_updated), cloud.clock.now()),
  };
}

/** How many disks stand on the versions of an image, by node and ref. */
export function countDisks(cloud: Cloud): (node: string, ref: string) => number {
  const counts = new Map<string, number>();
  for (const instance of living(cloud)) {
    for (const file of basesOf(instance)) {
      const key = `${instance.node} ${file.split(".")[0]}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return (node, ref) => counts.get(`${node} ${ref}`) ?? 0;
}
