// What the quick start remembers between `npm start` and `npm stop`, and the lock that keeps the two apart.
import { readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { OwnFile } from "./credentials.ts";
import { readJson, writeJson } from "./json-file.ts";
import { identify, isAlive, type ProcessId } from "./processes.ts";

export interface Places {
  /** Credentials go into <home>/.shakenfist. */
  readonly home: string;
  readonly state: string;
  readonly logs: string;
  readonly cache: string;
}

export const PLACES: Places = {
  home: homedir(),
  state: "/var/lib/shakenfist/quick-start",
  logs: "/var/log/shakenfist",
  cache: "/var/cache/shakenfist",
};

/** In /run, so that a power loss unlocks it. */
export const LOCK = "/run/lock/shakenfist-quick-start.lock";

export type Part = "etcd" | "virtlogd" | "libvirtd" | "node" | "images";

export interface State {
  /** From the first thing that `npm start` makes until `npm stop` has taken it all down. */
  up: boolean;
  processes: Partial<Record<Part, ProcessId>>;
  /** The user named no etcd: one of our own serves. */
  ownEtcd: boolean;
  /** The node's SHAKENFIST_ settings. */
  settings: Record<string, string>;
  credentials?: OwnFile;
  /** The file that is served. */
  image?: string;
}

export function readState(places: Places): Promise<State | undefined> {
  return readJson(join(places.state, "state.json"));
}

export function writeState(places: Places, state: State): Promise<void> {
  return writeJson(join(places.state, "state.json"), state);
}

/** Runs the work as the only one of its kind on this machine; rejects when another is at it. */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  kind = "npm start or npm stop",
): Promise<T> {
  const me = identify(process.pid);
  for (let tries = 0; !(await writeNew(path, JSON.stringify(me))); tries++) {
    const holder = await readFile(path, "utf8")
      .then(JSON.parse)
      .catch(() => undefined);
    if (isAlive(holder) || tries > 3) {
      throw new Error(`another ${kind} is at work (process ${holder?.pid}); wait for it to end`);
    }
    await rm(path, { force: true });
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function writeNew(path: string, text: string): Promise<boolean> {
  return writeFile(path, text, { flag: "wx" }).then(
    () => true,
    (error) => {
      if (error.code === "EEXIST") return false;
      throw error;
    },
  );
}
