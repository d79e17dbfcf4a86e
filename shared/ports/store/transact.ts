// Read, decide, commit, and again when somebody was faster: the only loop around a transaction.
import { CloudError, isKind } from "../../errors.ts";
import type { Change, Store } from "./store.ts";

const ATTEMPTS = 10;
const LONGEST_PAUSE_MS = 50;

/**
 * Calls `decide` for the changes and what to answer, commits them, and repeats with fresh reads on a lost race.
 * No changes means nothing to commit. Rejects with "conflict" after ten lost races.
 */
export async function transact<T>(
  store: Store,
  decide: () => Promise<[Change[], T]> | [Change[], T],
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const [changes, answer] = await decide();
    if (changes.length === 0) return answer;
    try {
      await store.commit(changes);
      return answer;
    } catch (error) {
      if (!isKind(error, "conflict")) throw error;
      if (attempt === ATTEMPTS)
        throw new CloudError("conflict", "too many changes at once, try again", { cause: error });
      await pause(attempt);
    }
  }
}

/** Without a pause of random length the same one of several contenders may lose every race. */
function pause(attempt: number): Promise<void> {
  const ms = Math.random() * Math.min(2 ** attempt, LONGEST_PAUSE_MS);
  return new Promise((resolve) => setTimeout(resolve, ms));
}
