// Histories of objects that are gone: an event may be written just after its object was forgotten.
import type { Cloud } from "../../cloud.ts";
import { instanceKey } from "../../instances/record.ts";
import { FLOATING, networkKey } from "../../networks/record.ts";
import { nodeKey } from "../../nodes/record.ts";
import { check, type Found } from "../check.ts";
import { byHand } from "../keys.ts";

/** Those of images are of URLs, and stay. */
const KINDS = { instance: instanceKey, network: networkKey, node: nodeKey } as const;

export const events = check({
  name: "events",
  summary: "Every history has its object",
  scope: "cloud",
  reads_store: true,
  routine: true,

  async find(cloud) {
    const found = await Promise.all(
      Object.entries(KINDS).map(([kind, keyOf]) => findOf(cloud, `event/${kind}/`, keyOf)),
    );
    return found.flat();
  },
});

async function findOf(cloud: Cloud, prefix: string, keyOf: (name: string) => string): Promise<Found[]> {
  const found: Found[] = [];
  for (const name of await cloud.store.children(prefix)) {
    if (name === FLOATING) continue;
    const key = keyOf(decodeURIComponent(name));
    if (cloud.store.mirror.get(key) ?? (await cloud.store.get(key))) continue;
    const subject = `${prefix}${name}/`;
    const mend = `${byHand(cloud, subject)} --prefix`;
    found.push({ subject, problem: "its object is gone", mend, fix: () => cloud.store.clear(subject) });
  }
  return found;
}
