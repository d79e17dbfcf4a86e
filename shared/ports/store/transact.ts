// Read, decide, commit, and again when somebody was faster: the only loop around a transaction.
import { CloudError, isKind } from "../../errors.ts";
import { inLine } from "./line.ts";
import type { Change, Store } from "./store.ts";

const LONGEST_MS = 10_000;
const LONGEST_PAUSE_MS = 50;

type Decide<T> = () => Promise<[Change[], T]> | [Change[], T];

/**
 * Calls `decide` for the changes and what to answer, commits them, and repeats with fresh reads on a lost race.
 * No changes means nothing to commit. Transactions of one `line` change the same keys, so that those of this process go one
 * after the other from the start. Rejects with "conflict" after ten seconds of lost races, and at once when a lease is gone.
 */
export async function transact<T>(store: Store, decide: Decide<T>, line?: string): Promise<T> {
  if (line !== undefined) return inLine(store, line, () => repeat(store, decide));
  const first = await attempt(store, decide);
  if ("answer" in first) return first.answer;
  return inLine(store, String(first.lost.detail.keys), () => repeat(store, decide));
}

async function repeat<T>(store: Store, decide: Decide<T>): Promise<T> {
  const end = performance.now() + LONGEST_MS;
  for (let count = 1; ; count++) {
    const outcome = await attempt(store, decide);
    if ("answer" in outcome) return outcome.answer;
    if (performance.now() > end) {
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
    // Without its lease it would lose every time.
    if (!isKind(error, "conflict") || error.detail.lease_gone === true) throw error;
    return { lost: error };
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
