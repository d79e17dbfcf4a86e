// Tells a start of this host from a start of the node process alone: guests and links end with the host, not with the
// process. A host is known by its kernel's boot and by when its first process started: containers share the kernel.
import { readFile } from "node:fs/promises";
import type { Cloud } from "../cloud.ts";
import { put } from "../ports/store/store.ts";

interface BootRecord {
  /** What `readBoot` said when everything that this boot asked for had been queued. */
  boot: string;
}

export const bootKey = (node: string): string => `boot/${node}`;

export async function readBoot(): Promise<string> {
  const [id, first] = await Promise.all([
    readFile("/proc/sys/kernel/random/boot_id", "utf8"),
    readFile("/proc/1/stat", "utf8"),
  ]);
  return `${id.trim()} ${startOf(first)}`;
}

/** The 22nd field of /proc/<pid>/stat, in clock ticks since the kernel's start; the 2nd may hold spaces and brackets. */
export function startOf(stat: string): string {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

/** Calls `prepare` before it writes down that this host has started anew; a crash in between repeats it. */
export async function onNewBoot(cloud: Cloud, boot: string, prepare: () => Promise<void>): Promise<boolean> {
  const key = bootKey(cloud.node.name);
  const known = await cloud.store.get<BootRecord>(key);
  if (known?.value.boot === boot) return false;
  // Also where none is known: a node that was removed, and joined again while it ran, may have guests by now.
  await prepare();
  await cloud.store.commit([put(key, { boot } satisfies BootRecord)]);
  return true;
}
