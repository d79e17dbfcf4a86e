// Serial consoles: their end for the API, and what comes from then on, as guests write it.
import type { Cloud } from "../cloud.ts";
import { isOver } from "../networks/record.ts";
import { type ConsoleReader, openConsole } from "./console-reader.ts";
import { watchConsole } from "./console-watch.ts";
import { type InstanceRecord, instanceKey } from "./record.ts";

/** What a length of the API means: a negative one is all that is kept. */
const bytesOf = (length: number): number => (length < 0 ? Number.MAX_SAFE_INTEGER : length);

/** The last `length` bytes, all that are kept for a negative one, as they are now; nothing when there is no log. */
export async function* readConsole(cloud: Cloud, uuid: string, length: number): AsyncGenerator<Buffer> {
  const reader = await openConsole(cloud.config, uuid, bytesOf(length));
  // A guest may write as fast as it is read.
  let left = reader.length;
  try {
    while (left > 0) {
      const chunk = await reader.read();
      if (chunk === undefined) return;
      yield chunk.subarray(0, left);
      left -= chunk.length;
    }
  } finally {
    await reader.close();
  }
}

/**
 * The last `length` bytes as in readConsole, and then every byte as it is written, at the pace of whoever takes them: it is
 * read from the file, so that nothing waits in memory. Ends when the instance does, or with the signal.
 */
export async function* followConsole(
  cloud: Cloud,
  uuid: string,
  { length, signal }: { length: number; signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const bell = openBell();
  const watched = watchConsole(cloud, uuid, bell.ring);
  const unwatch = cloud.store.mirror.watch(instanceKey(uuid), bell.ring);
  signal.addEventListener("abort", bell.ring, { once: true });
  let reader: ConsoleReader | undefined;
  try {
    reader = await openConsole(cloud.config, uuid, bytesOf(length));
    while (!signal.aborted) {
      watched.renew();
      // Asked before the last look, so that what was written before it was over is read.
      const over = isGone(cloud, uuid);
      const chunk = await reader.read();
      if (chunk !== undefined) yield chunk;
      else if (over) return;
      else await bell.rung();
    }
  } finally {
    signal.removeEventListener("abort", bell.ring);
    unwatch();
    watched.close();
    await reader?.close();
  }
}

function isGone(cloud: Cloud, uuid: string): boolean {
  const instance = cloud.store.mirror.get<InstanceRecord>(instanceKey(uuid))?.value;
  return instance === undefined || isOver(instance.state);
}

interface Bell {
  ring(): void;
  /** Resolves when it rings, or at once if it has since it was last waited for. */
  rung(): Promise<void>;
}

function openBell(): Bell {
  let rings = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rings = true;
      wake?.();
    },
    async rung() {
      if (!rings) await new Promise<void>((resolve) => (wake = resolve));
      rings = false;
      wake = undefined;
    },
  };
}
