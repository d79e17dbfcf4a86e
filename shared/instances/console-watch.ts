// Hears of writes to consoles as the kernel tells of them: one watch for each directory, however many follow that console.
import { type FSWatcher, watch } from "node:fs";
import type { Cloud } from "../cloud.ts";
import { CONSOLE_LOG, instanceDirectory } from "./paths.ts";

type Listener = () => void;

interface Watched {
  /** Undefined while the directory is not there. */
  watcher: FSWatcher | undefined;
  readonly listeners: Set<Listener>;
}

export interface ConsoleWatch {
  /** Tries again where the directory was not there. Throws what the kernel says when it has no watch to give. */
  renew(): void;
  close(): void;
}

/** `listener` hears that something was written, or that the log was rotated. */
export function watchConsole(cloud: Cloud, uuid: string, listener: Listener): ConsoleWatch {
  const all = cloud.memo.of(cloud.store, "watched consoles", () => new Map<string, Watched>());
  const watched: Watched = all.get(uuid) ?? { watcher: undefined, listeners: new Set() };
  // Each has its own, as two may come with the same function.
  const told = () => listener();
  function renew(): void {
    watched.watcher ??= open(cloud, uuid, watched.listeners);
  }
  renew();
  all.set(uuid, watched);
  watched.listeners.add(told);
  return {
    renew,
    close() {
      watched.listeners.delete(told);
      if (watched.listeners.size > 0 || all.get(uuid) !== watched) return;
      all.delete(uuid);
      watched.watcher?.close();
    },
  };
}

/** How many kernel watches there are. */
export const consoleWatches = (cloud: Cloud): number =>
  cloud.memo.of(cloud.store, "watched consoles", () => new Map<string, Watched>()).size;

function open(cloud: Cloud, uuid: string, listeners: ReadonlySet<Listener>): FSWatcher | undefined {
  try {
    const watcher = watch(instanceDirectory(cloud.config, uuid), (_event, name) => {
      if (name?.startsWith(CONSOLE_LOG)) for (const listener of listeners) listener();
    });
    watcher.on("error", (error) =>
      cloud.log.warn({ err: error, instance: uuid }, "console cannot be followed"),
    );
    return watcher;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
