// Waits for something to be found, asked again whenever what it depends on may have changed; each has a deadline.

interface Wait {
  readonly prefix: string;
  ask(): void;
  giveUp(): void;
}

export class Waits {
  readonly #waits = new Set<Wait>();

  /** The first defined answer of `find`, or undefined after the time; rejects with what `find` throws. */
  async until<T>(prefix: string, find: () => T | undefined, timeout_ms: number): Promise<T | undefined> {
    const found = find();
    return found !== undefined || timeout_ms <= 0 ? found : this.#wait(prefix, find, timeout_ms);
  }

  #wait<T>(prefix: string, find: () => T | undefined, timeout_ms: number): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const finish = (answer: () => void) => {
        clearTimeout(timer);
        this.#waits.delete(wait);
        answer();
      };
      const ask = () => {
        try {
          const found = find();
          if (found !== undefined) finish(() => resolve(found));
        } catch (error) {
          finish(() => reject(error));
        }
      };
      const giveUp = () => finish(() => resolve(undefined));
      const wait: Wait = { prefix, ask, giveUp };
      const timer = setTimeout(giveUp, timeout_ms);
      this.#waits.add(wait);
    });
  }

  /** Asks those that wait for one of the keys, and those that wait for anything ("") even when there are none. */
  ask(keys: readonly string[]): void {
    for (const { prefix, ask } of [...this.#waits]) {
      if (prefix === "" || keys.some((key) => key.startsWith(prefix))) ask();
    }
  }

  giveUp(): void {
    for (const { giveUp } of [...this.#waits]) giveUp();
  }
}
