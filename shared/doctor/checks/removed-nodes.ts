// What is kept of nodes that are not known any more: jobs that nobody does, images that nobody has.
import type { Cloud } from "../../cloud.ts";
import { nodeKey } from "../../nodes/record.ts";
import { check, type Found } from "../check.ts";
import { byHand } from "../keys.ts";

/** Below each, a node's name and what is of it. */
const PREFIXES = ["job/", "image/", "fetch/", "bad_image/", "port/"];

export const removedNodes = check({
  name: "removed-nodes",
  summary: "Jobs, images and ports are of nodes that there are",
  scope: "cloud",
  reads_store: true,
  routine: true,

  async find(cloud) {
    const found = await Promise.all(PREFIXES.map((prefix) => findBelow(cloud, prefix)));
    return found.flat();
  },
});

async function findBelow(cloud: Cloud, prefix: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const node of await cloud.store.children(prefix)) {
    // A node that registers just now is not in the mirror yet.
    if (cloud.store.mirror.get(nodeKey(node)) ?? (await cloud.store.get(nodeKey(node)))) continue;
    const subject = `${prefix}${node}/`;
    const count = await cloud.store.count(subject);
    if (count === 0) continue;
    const mend = `${byHand(cloud, subject)} --prefix`;
    const fix = () => cloud.store.clear(subject);
    found.push({ subject, problem: `${count} keys of a node that there is not`, mend, fix });
  }
  return found;
}
