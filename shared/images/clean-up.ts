// One round of the image cache's upkeep, and what is told of it.
import type { Cloud } from "../cloud.ts";
import { removeExpired } from "./bad.ts";
import { type CacheSize, type Needs, removeUnused } from "./clean.ts";
import { removeDeadWork } from "./work-directory.ts";

const GIB = 2 ** 30;

export async function cleanImages(cloud: Cloud, needs: Needs): Promise<void> {
  const { removed, left } = await removeUnused(cloud, needs);
  for (const { url, file, why } of removed) {
    if (url === undefined) continue;
    const message = `${file.slice(file.indexOf(".") + 1)}: ${why}`;
    cloud.events.record("image", url, { operation: "image removed", phase: null, message });
  }
  const dead = await removeDeadWork(cloud);
  const expired = await removeExpired(cloud);
  if (removed.length + dead.length > 0) cloud.log.info({ removed, dead }, "images removed from the cache");
  if (expired.length > 0) cloud.log.debug({ expired }, "refused images may be tried again");
  tellSize(cloud, left);
}

/** Once, until it has room again. */
function tellSize(cloud: Cloud, { bytes, budget_bytes }: CacheSize): void {
  const memory = cloud.memo.of(cloud.fetches, "size told", () => ({ isTold: false }));
  const isOver = budget_bytes > 0 && bytes > budget_bytes;
  if (isOver && !memory.isTold) {
    const gib = Math.round((bytes / GIB) * 10) / 10;
    const advice = "all of it is in use: raise SHAKENFIST_IMAGE_CACHE_GIB, or delete instances";
    cloud.log.warn({ gib, budget_gib: budget_bytes / GIB }, `the image cache is over its size; ${advice}`);
  }
  memory.isTold = isOver;
}
