// Waiting for what the API tells, in tests: it can only be asked, so it is asked often, until a deadline.
import { setTimeout as delay } from "node:timers/promises";

/** The first defined answer. Rejects, naming what was awaited, when the time is over. */
export async function eventually<T>(
  what: string,
  timeout_ms: number,
  ask: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const end = performance.now() + timeout_ms;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end)
      throw new Error(`${what}: not within ${timeout_ms / 1000} s`, { cause: last });
    await delay(50);
  }
}
