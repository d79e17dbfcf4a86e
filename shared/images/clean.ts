// Takes out of a node's image cache what nobody needs: versions that are not the newest, and of the others those that were
// not used for longest, until the cache has the size it may have. What a disk stands on stays, whatever its size, and so does
// what was handed out for a disk that is not known yet. Files that the cache did not make are never touched.
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../errors.ts";
import { type Entry, remove } from "../ports/store/store.ts";
import { handling } from "./at-hand.ts";
import { type ImageRecord, imagePrefix } from "./record.ts";
import { cacheDirectory, type ImageTools } from "./tools.ts";
import { listCache } from "./work-directory.ts";

/** For what was handed out and is not seen in any record for a moment. */
const GRACE_S = 900;
const GIB = 2 ** 30;
/** In which a file system counts, whatever its own blocks are. */
const BLOCK = 512;

type Tools = Pick<ImageTools, "store" | "clock" | "config" | "node" | "mutex" | "log">;

export interface Needs {
  /** Names of files that disks stand on. */
  readonly files: ReadonlySet<string>;
  /** When the oldest start that is under way began: what was handed out since then may be for it. Seconds. */
  readonly since: number;
}

export interface Removed {
  readonly file: string;
  /** Unknown for a file that no record of its image is left of. */
  readonly url: string | undefined;
  readonly why: string;
}

export interface CacheSize {
  readonly bytes: number;
  /** 0: no limit. */
  readonly budget_bytes: number;
}

interface CacheFile {
  readonly name: string;
  readonly ref: string;
  readonly bytes: number;
  /** When it was last handed out, s. */
  readonly used: number;
  readonly entry: Entry<ImageRecord> | undefined;
}

/** What was removed, and the size of what is left: over the budget only where all of it is needed. */
export async function removeUnused(
  tools: Tools,
  needs: Needs,
): Promise<{ removed: Removed[]; left: CacheSize }> {
  const files = await listFiles(tools);
  const budget_bytes = tools.config.IMAGE_CACHE_GIB * GIB;
  const removed: Removed[] = [];
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0);

  async function tryRemove(file: CacheFile, why: string): Promise<void> {
    if (!(await removeFile(tools, file, needs))) return;
    bytes -= file.bytes;
    removed.push({ file: file.name, url: file.entry?.value.url, why });
  }

  const isNewest = ({ name, entry }: CacheFile) => entry?.value.file === name;
  for (const file of files.filter((each) => !isNewest(each)))
    await tryRemove(file, "there is a newer version");
  for (const file of files.filter(isNewest).sort((a, b) => a.used - b.used)) {
    if (budget_bytes > 0 && bytes > budget_bytes) await tryRemove(file, overBudget(tools, file));
  }
  return { removed, left: { bytes, budget_bytes } };
}

const overBudget = ({ clock, config }: Tools, { used }: CacheFile): string => {
  const hours = Math.floor((clock.now() - used) / 3600);
  return `not used for ${hours} h, and the cache was over ${config.IMAGE_CACHE_GIB} GiB`;
};

/** Of files that the cache has made; work that is under way does not count. */
export async function cacheSize(tools: Tools): Promise<CacheSize> {
  const files = await listFiles(tools);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { bytes, budget_bytes: tools.config.IMAGE_CACHE_GIB * GIB };
}

async function listFiles(tools: Tools): Promise<CacheFile[]> {
  const records = await tools.store.list<ImageRecord>(imagePrefix(tools.node.name));
  const byRef = new Map(records.map((entry) => [entry.value.ref, entry]));
  const found = await Promise.all(
    (await listCache(tools)).map(async (name): Promise<CacheFile | undefined> => {
      const [, ref] = /^([0-9a-f]{64})\.v\d{3,}\.(?:qcow2|iso)$/.exec(name) ?? [];
      if (ref === undefined) return undefined;
      const facts = await stat(join(cacheDirectory(tools.config), name)).catch(() => undefined);
      if (facts?.isFile() !== true) return undefined;
      const { blocks, atimeMs } = facts;
      return { name, ref, bytes: blocks * BLOCK, used: atimeMs / 1000, entry: byRef.get(ref) };
    }),
  );
  return found.filter((file) => file !== undefined);
}

/** The record goes first: a file without one is removed the next time. Nothing is handed out meanwhile. */
function removeFile(
  tools: Tools,
  { name, ref, entry }: CacheFile,
  { files, since }: Needs,
): Promise<boolean> {
  return tools.mutex.run(handling(ref), async () => {
    const path = join(cacheDirectory(tools.config), name);
    const used = (await stat(path)).atimeMs / 1000;
    if (files.has(name) || used >= Math.min(since, tools.clock.now() - GRACE_S)) return false;
    try {
      if (entry?.value.file === name) await tools.store.commit([remove(entry)]);
    } catch (error) {
      tools.log.debug({ image: name, error: messageOf(error) }, "an image has changed, and stays");
      return false;
    }
    await rm(path, { force: true });
    return true;
  });
}
