// What stands between strangers and argon2: one at a time, a line of bounded length, and for each name a few failures a
// minute. Who is past that waits for the minute to end, which further attempts do not put off.
import { CloudError } from "../errors.ts";

/** One core's worth: a second would take the other from the event loop where there are two. */
const AT_ONCE = 1;
const LONGEST_LINE = 64;
const MOST_FAILURES = 10;
const WINDOW_S = 60;
/** Argon2 itself bounds how fast somebody could push the oldest ones out. */
const MOST_NAMES = 1000;

export interface Gate {
  /** Does the work when it is its turn. Rejects with "throttled" when the line is full. */
  turn<T>(work: () => Promise<T>): Promise<T>;
  /** As `turn`, for an attempt that answers undefined when it fails. Rejects with "throttled" after too many that did. */
  attempt<T>(name: string, now: () => number, work: () => Promise<T | undefined>): Promise<T | undefined>;
}

export function openGate(): Gate {
  const failures = openFailures();
  const line: (() => void)[] = [];
  let busy = 0;

  async function turn<T>(work: () => Promise<T>): Promise<T> {
    if (busy < AT_ONCE) busy++;
    else await inLine();
    try {
      return await work();
    } finally {
      const next = line.shift();
      if (next === undefined) busy--;
      else next();
    }
  }

  /** Its place among the busy ones is handed over. */
  function inLine(): Promise<void> {
    if (line.length >= LONGEST_LINE) throw throttled("too many log in at once", 1);
    return new Promise((resolve) => line.push(resolve));
  }

  return {
    turn,
    async attempt(name, now, work) {
      failures.requireFew(name, now());
      return turn(async () => {
        // Those before it in the line may have failed.
        failures.requireFew(name, now());
        const outcome = await work();
        if (outcome === undefined) failures.add(name, now());
        return outcome;
      });
    },
  };
}

function openFailures() {
  const windows = new Map<string, { count: number; end: number }>();

  function current(name: string, now: number) {
    const window = windows.get(name);
    if (window !== undefined && window.end > now) return window;
    windows.delete(name);
    return undefined;
  }

  return {
    requireFew(name: string, now: number): void {
      const window = current(name, now);
      if (window === undefined || window.count < MOST_FAILURES) return;
      throw throttled("too many wrong keys for this namespace", Math.ceil(window.end - now));
    },
    add(name: string, now: number): void {
      const window = current(name, now) ?? { count: 0, end: now + WINDOW_S };
      window.count++;
      windows.set(name, window);
      const [oldest] = windows.keys();
      if (windows.size > MOST_NAMES && oldest !== undefined) windows.delete(oldest);
    },
  };
}

const throttled = (why: string, retry_after_s: number): CloudError =>
  new CloudError("throttled", `${why}: try again in ${retry_after_s} s`, { detail: { retry_after_s } });
