// Half-done work on images stands in directories of its own inside the cache: on the same file system, so that a finished
// file can be moved into place, and known by name, so that what a crash leaves can be found.
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory, type ImageTools } from "./tools.ts";

/** How their names begin; the number of the process follows. */
const WORK = "work-";

type Settings = Pick<ImageTools, "config">;

/** Runs the work with a new directory, which is gone when it ends. */
export async function inWorkDirectory<T>(
  tools: Settings,
  work: (directory: string) => Promise<T>,
): Promise<T> {
  const cache = cacheDirectory(tools.config);
  await mkdir(cache, { recursive: true });
  // QEMU runs as another user and must get in, whatever the umask.
  await chmod(cache, 0o755);
  const directory = await mkdtemp(join(cache, `${WORK}${process.pid}-`));
  try {
    return await work(directory);
  } finally {
    // A program that was stopped may still be dying in there.
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Removes what a dead process left. Only at start, before any work begins. Answers with the names. */
export async function removeStaleWork(tools: Settings): Promise<string[]> {
  const stale = (await listCache(tools)).filter((name) => name.startsWith(WORK));
  for (const name of stale)
    await rm(join(cacheDirectory(tools.config), name), { recursive: true, force: true });
  return stale;
}

/** Names of those that belong to no process of this node any more. */
export async function listDeadWork(tools: Settings): Promise<string[]> {
  const mine = `${WORK}${process.pid}-`;
  return (await listCache(tools)).filter((name) => name.startsWith(WORK) && !name.startsWith(mine));
}

export async function removeDeadWork(tools: Settings): Promise<string[]> {
  const dead = await listDeadWork(tools);
  for (const name of dead)
    await rm(join(cacheDirectory(tools.config), name), { recursive: true, force: true });
  return dead;
}

/** Names of all that is in the cache; none where there is no cache yet. */
export async function listCache(tools: Settings): Promise<string[]> {
  try {
    return await readdir(cacheDirectory(tools.config));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
