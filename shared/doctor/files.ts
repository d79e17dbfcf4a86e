// What is in a directory of this node's storage, by names of our own making: others' files are not seen.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Cloud } from "../cloud.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const inStorage = ({ config }: Cloud, ...names: string[]): string =>
  join(config.STORAGE_PATH, ...names);

/** Names of the directories there that are UUIDs; none where there is no such place. */
export async function listUuids(directory: string): Promise<string[]> {
  return listDirectories(directory, UUID);
}

export async function listDirectories(directory: string, pattern: RegExp): Promise<string[]> {
  const entries = await unlessAbsent(readdir(directory, { withFileTypes: true }));
  return (entries ?? []).filter((it) => it.isDirectory() && pattern.test(it.name)).map(({ name }) => name);
}

/** Only a positive "no such file" is false. */
export async function isThere(path: string): Promise<boolean> {
  return (await unlessAbsent(stat(path))) !== undefined;
}

export async function unlessAbsent<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
