// What is being fetched on this node right now. Whoever wants what is under way already waits for the same work, is told
// what it has told so far, and may leave; the work ends when nobody waits for it any more.
import type { NewEvent } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { openSlots, type Slots } from "../slots.ts";
import type { Recorder } from "./tools.ts";

export interface Waiter {
  readonly record: Recorder;
  readonly signal?: AbortSignal | undefined;
}

export type Work<T> = (record: Recorder, signal: AbortSignal) => Promise<T>;

export interface Fetches {
  /** For transfers and conversions. */
  readonly slots: Slots;
  /** The outcome of the work of that name, which is begun if it is not under way. */
  join<T>(name: string, waiter: Waiter, work: Work<T>): Promise<T>;
}

const AT_ONCE = 16;
/** What somebody who comes late is told. */
const TOLD = 50;

interface Running {
  readonly outcome: Promise<unknown>;
  readonly told: NewEvent[];
  readonly waiters: Set<Waiter>;
  readonly stop: AbortController;
}

export function openFetches(): Fetches {
  const running = new Map<string, Running>();

  function begin(name: string, work: Work<unknown>): Running {
    const waiters = new Set<Waiter>();
    const told: NewEvent[] = [];
    const stop = new AbortController();
    const record = (event: NewEvent) => {
      if (told.length < TOLD) told.push(event);
      for (const each of recordersOf(waiters)) each(event);
    };
    const outcome = Promise.resolve().then(() => work(record, stop.signal));
    const begun = { outcome, told, waiters, stop };
    const end = () => running.get(name) === begun && running.delete(name);
    outcome.then(end, end);
    running.set(name, begun);
    return begun;
  }

  async function wait(name: string, waiter: Waiter, found: Running): Promise<unknown> {
    const { signal } = waiter;
    let stopped = () => {};
    const left = new Promise<never>((_, reject) => {
      stopped = () => {
        found.waiters.delete(waiter);
        // The last one sees the work out, so that nothing is left of it.
        if (found.waiters.size > 0) return reject(new CloudError("unreachable", "image: stopped"));
        if (running.get(name) === found) running.delete(name);
        found.stop.abort(signal?.reason);
      };
    });
    if (signal?.aborted === true) stopped();
    signal?.addEventListener("abort", stopped, { once: true });
    try {
      return await Promise.race([found.outcome, left]);
    } finally {
      signal?.removeEventListener("abort", stopped);
      found.waiters.delete(waiter);
    }
  }

  return {
    slots: openSlots(AT_ONCE),
    join<T>(name: string, waiter: Waiter, work: Work<T>) {
      const found = running.get(name) ?? begin(name, work);
      const isNew = !recordersOf(found.waiters).has(waiter.record);
      found.waiters.add(waiter);
      if (isNew) for (const event of found.told) waiter.record(event);
      return wait(name, waiter, found) as Promise<T>;
    },
  };
}

/** Two disks of one instance tell its history once. */
const recordersOf = (waiters: ReadonlySet<Waiter>): Set<Recorder> =>
  new Set([...waiters].map(({ record }) => record));
