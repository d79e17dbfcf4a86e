// One at a time, by name, inside this process. The order is that of asking.

export interface Mutex {
  run<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** As `run`, for work that looks at the world once it begins: whoever comes while one waits shares its outcome. */
  join<T>(name: string, work: () => Promise<T>): Promise<T>;
  /**
   * As `join`, but work of that name that has begun with a `mark` of `enough` or more will do too: while it goes on, and for
   * some seconds after. Work that failed will not do.
   */
  share<T>(name: string, mark: () => number, enough: number, work: () => Promise<T>): Promise<T>;
}

/** For how long the outcome of work is worth something. */
const FRESH_MS = 5000;

interface Begun {
  readonly mark: number;
  readonly outcome: Promise<unknown>;
}

export function openMutex(): Mutex {
  const tails = new Map<string, Promise<unknown>>();
  const waiting = new Map<string, Promise<unknown>>();
  /** The last of each name that was shared, until it is too old. */
  const begun = new Map<string, Begun>();

  async function run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = tails.get(name) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.then(
      () => undefined,
      () => undefined,
    );
    tails.set(name, settled);
    try {
      return await mine;
    } finally {
      if (tails.get(name) === settled) tails.delete(name);
    }
  }

  function join<T>(name: string, work: () => Promise<T>): Promise<T> {
    const found = waiting.get(name);
    if (found !== undefined) return found as Promise<T>;
    const mine = run(name, () => {
      waiting.delete(name);
      return work();
    });
    waiting.set(name, mine);
    return mine;
  }

  function remember<T>(name: string, mark: number, outcome: Promise<T>): Promise<T> {
    const mine = { mark, outcome };
    begun.set(name, mine);
    const forget = () => begun.get(name) === mine && begun.delete(name);
    outcome.then(() => setTimeout(forget, FRESH_MS).unref(), forget);
    return outcome;
  }

  return {
    run,
    join,
    async share<T>(name: string, mark: () => number, enough: number, work: () => Promise<T>) {
      const last = begun.get(name);
      const anew = () => join(name, () => remember(name, mark(), work()));
      return last !== undefined && last.mark >= enough ? (last.outcome as Promise<T>).catch(anew) : anew();
    },
  };
}
