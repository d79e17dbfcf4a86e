// Takes out of a node's image cache what nobody needs. Files that the cache did not make are never touched.
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type ImageRecord, imagePrefix } from "./record.ts";
import { cacheDirectory, type ImageTools } from "./tools.ts";
import { listCache } from "./work-directory.ts";

// From handing out a file until the disk made on it is known to whoever calls: longer than any job lasts.
const HANDED_OUT_S = 6 * 3600;

/**
 * Removes versions of images that are neither the newest, nor among the paths `in_use` (backing files of disks), nor
 * handed out in the last hours. Answers with the names.
 */
export async function removeUnused(
  tools: Pick<ImageTools, "store" | "clock" | "config" | "node">,
  in_use: ReadonlySet<string>,
): Promise<string[]> {
  const records = await tools.store.list<ImageRecord>(imagePrefix(tools.node.name));
  const newest = new Set(records.map(({ value }) => value.file));
  const removed: string[] = [];
  for (const name of await listCache(tools)) {
    const path = join(cacheDirectory(tools.config), name);
    if (!/^[0-9a-f]{64}\.v\d{3,}\.(qcow2|iso)$/.test(name) || newest.has(name) || in_use.has(path)) continue;
    const { mtimeMs } = await stat(path);
    if (tools.clock.now() - mtimeMs / 1000 < HANDED_OUT_S) continue;
    await rm(path, { force: true });
    removed.push(name);
  }
  return removed;
}
