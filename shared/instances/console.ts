// Reads the serial consoles' logs: their end for the API, and what is new in them as guests write it.
import { watch } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { Cloud } from "../cloud.ts";
import { consoleLog } from "./paths.ts";
import { INSTANCES, type InstanceRecord } from "./record.ts";

const CHUNK_BYTES = 64 * 1024;
const LINE_END_CHARACTERS = 64;

/** The last `length` bytes, or all of it for a negative or no length; empty when there is no log. At most 64 MiB. */
export async function readConsole(cloud: Cloud, uuid: string, length: number): Promise<Buffer> {
  const file = consoleLog(cloud.config, uuid);
  const size = await sizeOf(file);
  const wanted = Math.min(length > 0 ? length : size, size, 64 * 1024 * 1024);
  return wanted === 0 ? Buffer.alloc(0) : readAt(file, size - wanted, wanted);
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}

async function readAt(file: string, offset: number, length: number): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

export type ConsoleListener = (event: { uuid: string; before: string; text: string }) => void;

/**
 * Follows the console of every instance of this node that has its disks. The kernel tells of writes; nothing is polled.
 * What was written while this process was away is not told again. Returns the way to stop.
 */
export function followConsoles(cloud: Cloud, listener: ConsoleListener): () => void {
  const followed = new Map<string, () => void>();

  function look(uuid: string, instance: InstanceRecord | undefined): void {
    const wanted = instance?.node === cloud.node.name && hasConsole(instance);
    if (wanted && !followed.has(uuid)) {
      const file = consoleLog(cloud.config, uuid);
      const stop = follow(cloud, file, instance.state === "created", (before, text) =>
        listener({ uuid, before, text }),
      );
      if (stop !== undefined) followed.set(uuid, stop);
    } else if (!wanted) {
      followed.get(uuid)?.();
      followed.delete(uuid);
    }
  }

  const unwatch = cloud.store.mirror.watch(INSTANCES, ({ key, after }) =>
    look(key.slice(INSTANCES.length), after?.value as InstanceRecord | undefined),
  );
  for (const { value } of cloud.store.mirror.list<InstanceRecord>(INSTANCES)) look(value.uuid, value);
  return function stopAll() {
    unwatch();
    for (const stop of followed.values()) stop();
  };
}

const hasConsole = ({ state, block_devices, doomed }: InstanceRecord): boolean =>
  !doomed && (state === "creating" || state === "created") && block_devices?.finalized === true;

/** Undefined when the directory is not there. */
function follow(
  cloud: Cloud,
  file: string,
  fromEnd: boolean,
  tell: (before: string, text: string) => void,
): (() => void) | undefined {
  let before = "";
  let unread = true;
  let reading = false;
  let offset: number | undefined = fromEnd ? undefined : 0;

  async function read(): Promise<void> {
    if (reading) return;
    reading = true;
    while (unread) {
      unread = false;
      offset ??= await sizeOf(file);
      for (let size = await sizeOf(file); offset < size; ) {
        const chunk = await readAt(file, offset, Math.min(size - offset, CHUNK_BYTES));
        if (chunk.length === 0) break;
        offset += chunk.length;
        const text = chunk.toString("latin1");
        tell(before, text);
        before = (before + text).split("\n").at(-1)?.slice(-LINE_END_CHARACTERS) ?? "";
      }
    }
    reading = false;
  }

  function onWrite(_event: string, name: string | null): void {
    if (name !== basename(file)) return;
    unread = true;
    read().catch((error: unknown) => {
      reading = false;
      cloud.log.warn({ err: error, file }, "console cannot be read");
    });
  }

  try {
    const watcher = watch(dirname(file), onWrite);
    watcher.on("error", (error) => cloud.log.warn({ err: error, file }, "console cannot be followed"));
    onWrite("start", basename(file));
    return () => watcher.close();
  } catch (error) {
    cloud.log.warn({ err: error, file }, "console cannot be followed");
    return undefined;
  }
}
