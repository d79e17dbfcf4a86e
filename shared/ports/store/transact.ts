// Read, decide, commit, and again when somebody was faster: the only loop around a transaction.
import { CloudError, isKind } from "../../errors.ts";
import type { Change, Store } from "./store.ts";

const ATTEMPTS = 10;
const LONGEST_PAUSE_MS = 50;
const LONGEST_TURN_MS = 5000;

type Decide<T> = () => Promise<[Change[], T]> | [Change[], T];

/**
 * Calls `decide` for the changes and what to answer, commits them, and repeats with fresh reads on a lost race.
 * No changes means nothing to commit. Rejects with "conflict" after ten lost races.
 */
export async function transact<T>(store: Store, decide: Decide<T>): Promise<T> {
  const first = await attempt(store, decide);
  if ("answer" in first) return first.answer;
  return inLine(store, String(first.lost.detail.keys), () => repeat(store, decide));
}

async function repeat<T>(store: Store, decide: Decide<T>): Promise<T> {
  for (let count = 2; ; count++) {
    const outcome = await attempt(store, decide);
    if ("answer" in outcome) return outcome.answer;
    if (count === ATTEMPTS) {
      throw new CloudError("conflict", "too many changes at once, try again", { cause: outcome.lost });
    }
    // Of several nodes in step, the same one would lose every race.
    await pause(Math.random() * Math.min(2 ** count, LONGEST_PAUSE_MS));
  }
}

async function attempt<T>(store: Store, decide: Decide<T>): Promise<{ answer: T } | { lost: CloudError }> {
  const [changes, answer] = await decide();
  if (changes.length === 0) return { answer };
  try {
    await store.commit(changes);
    return { answer };
  } catch (error) {
    if (isKind(error, "conflict")) return { lost: error };
    throw error;
  }
}

const lines = new WeakMap<Store, Map<string, Promise<unknown>>>();

/** Who lost over the same keys in this process goes on one at a time: against each other most would lose again. */
async function inLine<T>(store: Store, keys: string, work: () => Promise<T>): Promise<T> {
  const line = lines.get(store) ?? new Map<string, Promise<unknown>>();
  lines.set(store, line);
  const before = line.get(keys);
  const mine = before === undefined ? work() : turn(before).then(work);
  const done = mine.catch(() => undefined);
  line.set(keys, done);
  try {
    return await mine;
  } finally {
    if (line.get(keys) === done) line.delete(keys);
  }
}

/** Resolves when the one before is done, or has taken too long. */
async function turn(before: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LONGEST_TURN_MS);
  });
  await Promise.race([before, tooLong]);
  clearTimeout(timer);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
