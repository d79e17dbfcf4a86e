// One at a time, by name, inside this process. The order is that of asking.

export interface Mutex {
  run<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** As `run`, for work that looks at the world once it begins: whoever comes while one waits shares its outcome. */
  join<T>(name: string, work: () => Promise<T>): Promise<T>;
}

export function openMutex(): Mutex {
  const tails = new Map<string, Promise<unknown>>();
  const waiting = new Map<string, Promise<unknown>>();

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

  return {
    run,
    join<T>(name: string, work: () => Promise<T>) {
      const found = waiting.get(name);
      if (found !== undefined) return found as Promise<T>;
      const mine = run(name, () => {
        waiting.delete(name);
        return work();
      });
      waiting.set(name, mine);
      return mine;
    },
  };
}
