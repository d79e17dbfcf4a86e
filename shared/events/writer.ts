// Records events off the path of whoever tells of them: gathered for a moment, written many at once, in order.
// What is not yet written when the process dies is lost; while the store is away the newest are kept, a bounded number.

import type { Clock } from "../clock.ts";
import type { EventWriter, NodeIdentity } from "../cloud.ts";
import type { Log } from "../log.ts";
import { type Change, put, type Store } from "../ports/store/store.ts";
import { hideUrlSecrets } from "../urls.ts";
import { type EventRecord, eventPrefix, objectName } from "./record.ts";
import { trimEvents } from "./trim.ts";

const GATHER_MS = 50;
const RETRY_MS = 1000;
const BATCH = 100;
const MOST_WAITING = 5000;
const TRIM_EVERY = 50;
const MOST_WATCHED = 10_000;

export interface OpenEventWriter extends EventWriter {
  close(): Promise<void>;
}

export function openEventWriter(tools: {
  store: Store;
  clock: Clock;
  log: Log;
  node: NodeIdentity;
}): OpenEventWriter {
  const { store, clock, log, node } = tools;
  const waiting: Change[] = [];
  const start = Math.floor(clock.now() * 1000).toString(36);
  /** Events since the last look, by object. */
  const grown = new Map<string, number>();
  let sequence = 0;
  let writing: Promise<void> | undefined;
  const flushed: (() => void)[] = [];
  const stop = new AbortController();

  function record(...[type, uuid, event]: Parameters<EventWriter["record"]>): void {
    const timestamp = clock.now();
    const row: EventRecord = {
      timestamp,
      object_type: type,
      object_uuid: objectName(uuid),
      fqdn: node.name,
      operation: shown(event.operation),
      phase: shown(event.phase),
      duration: event.duration == null ? null : Math.round(event.duration * 1000) / 1000,
      message: shown(event.message),
    };
    sequence += 1;
    const order = `${Math.floor(timestamp * 1e6)}-${node.name}-${start}-${String(sequence).padStart(9, "0")}`;
    if (waiting.length >= MOST_WAITING) waiting.shift();
    waiting.push(put(eventPrefix(type, uuid) + order, row));
    writing ??= clock
      .sleep(GATHER_MS, stop.signal)
      .catch(() => undefined)
      .then(writeAll);
  }

  async function writeAll(): Promise<void> {
    let failures = 0;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH);
      try {
        await store.commit(batch);
        waiting.splice(0, waiting.indexOf(batch.at(-1) as Change) + 1);
        await trim(batch);
      } catch (error) {
        if (stop.signal.aborted) break;
        if (failures++ === 0)
          log.warn({ err: error, waiting: waiting.length }, "events cannot be written, trying again");
        tellFlushed();
        await clock.sleep(RETRY_MS, stop.signal).catch(() => undefined);
      }
    }
    writing = undefined;
    tellFlushed();
  }

  /** Looks at an object's history again each time that it has grown by some events. */
  async function trim(batch: readonly Change[]): Promise<void> {
    for (const { key } of batch) {
      const prefix = key.slice(0, key.lastIndexOf("/") + 1);
      const count = (grown.get(prefix) ?? 0) + 1;
      grown.set(prefix, count % TRIM_EVERY);
      if (count >= TRIM_EVERY) await trimEvents(store, prefix);
    }
    if (grown.size > MOST_WATCHED) grown.clear();
  }

  function tellFlushed(): void {
    for (const tell of flushed.splice(0)) tell();
  }

  async function flush(): Promise<void> {
    if (writing !== undefined) await new Promise<void>((resolve) => flushed.push(resolve));
  }

  return {
    record,
    flush,
    async close() {
      stop.abort();
      await writing;
    },
  };
}

const shown = (words: string | null | undefined): string | null =>
  words == null ? null : hideUrlSecrets(words);
