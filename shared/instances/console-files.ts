// A console's log on disk: `console.log`, and before it `console.log.0`, `.1` and so on, the higher the older. libvirt's
// virtlogd renames them as they grow, at any moment: files are told from each other by their inodes, never by their names.
import { type FileHandle, open } from "node:fs/promises";
import type { Config } from "../config.ts";
import { CONSOLE_LOG, instanceDirectory } from "./paths.ts";

export interface ConsoleFile {
  readonly handle: FileHandle;
  readonly inode: number;
  readonly size: number;
  /** What it takes of the disk, in bytes. */
  readonly allocated: number;
}

export const MIB = 1024 * 1024;
const MOST_FILES = 1000;

/** How much of a console is kept, in bytes; what is older may be gone. */
export const keptBytes = (config: Config): number => config.CONSOLE_LOG_MIB * MIB;

/**
 * The newest first, as long as `more` says so; each once, open: the caller closes them. While virtlogd renames, one name
 * may be missing, so that only two in a row are the end.
 */
export async function openConsoleFiles(
  config: Config,
  uuid: string,
  more: (opened: readonly ConsoleFile[]) => boolean = () => true,
): Promise<ConsoleFile[]> {
  const path = `${instanceDirectory(config, uuid)}/${CONSOLE_LOG}`;
  const opened: ConsoleFile[] = [];
  try {
    for (let index = -1, missing = 0; missing < 2 && index < MOST_FILES && more(opened); index++) {
      const file = await openIfThere(index < 0 ? path : `${path}.${index}`);
      if (file === undefined) missing++;
      else if (opened.some(({ inode }) => inode === file.inode)) await file.handle.close();
      else opened.push(file);
      if (file !== undefined) missing = 0;
    }
    return opened;
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

export const closeAll = (files: readonly ConsoleFile[]): Promise<unknown> =>
  Promise.all(files.map(({ handle }) => handle.close()));

async function openIfThere(path: string): Promise<ConsoleFile | undefined> {
  const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  try {
    const { ino, size, blocks } = await handle.stat();
    return { handle, inode: ino, size, allocated: blocks * 512 };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
