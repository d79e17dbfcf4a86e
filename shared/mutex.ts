// One at a time, by name, inside this process. The order is that of asking.

export interface Mutex {
  run<T>(name: string, work: () => Promise<T>): Promise<T>;
}

export function openMutex(): Mutex {
  const tails = new Map<string, Promise<unknown>>();
  return {
    async run(name, work) {
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
    },
  };
}
