// Entries in memory, listed by prefix without a scan over all of them: a shelf for each first and each second segment.
import type { Entry } from "./store.ts";

interface Shelf {
  readonly entries: Map<string, Entry>;
  sorted: readonly Entry[] | undefined;
}

export class Entries {
  readonly #all = new Map<string, Entry>();
  readonly #shelves = new Map<string, Shelf>();

  get(key: string): Entry | undefined {
    return this.#all.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#all.keys();
  }

  set(entry: Entry): void {
    this.#all.set(entry.key, entry);
    for (const prefix of shelvesOf(entry.key)) {
      const shelf = this.#shelves.get(prefix) ?? { entries: new Map(), sorted: undefined };
      this.#shelves.set(prefix, shelf);
      shelf.entries.set(entry.key, entry);
      shelf.sorted = undefined;
    }
  }

  delete(key: string): void {
    this.#all.delete(key);
    for (const prefix of shelvesOf(key)) {
      const shelf = this.#shelves.get(prefix);
      if (shelf === undefined) continue;
      shelf.entries.delete(key);
      shelf.sorted = undefined;
      if (shelf.entries.size === 0) this.#shelves.delete(prefix);
    }
  }

  /** Ascending by key. The same array as long as nothing of the first two segments changes: whoever keeps things by it may. */
  list(prefix: string): readonly Entry[] {
    const narrowest = shelvesOf(prefix).at(-1);
    if (narrowest === undefined) return byKey([...this.#all.values()].filter(under(prefix)));
    const shelf = this.#shelves.get(narrowest);
    if (shelf === undefined) return [];
    shelf.sorted ??= Object.freeze(byKey([...shelf.entries.values()]));
    return prefix === narrowest ? shelf.sorted : shelf.sorted.filter(under(prefix));
  }
}

/** "a/b/c" stands on "a/" and "a/b/"; "a/b" on "a/" only. */
function shelvesOf(key: string): string[] {
  const first = key.indexOf("/") + 1;
  if (first === 0) return [];
  const second = key.indexOf("/", first) + 1;
  return second === 0 ? [key.slice(0, first)] : [key.slice(0, first), key.slice(0, second)];
}

function under(prefix: string): (entry: Entry) => boolean {
  return (entry) => entry.key.startsWith(prefix);
}

function byKey(entries: Entry[]): Entry[] {
  return entries.sort((one, other) => (one.key < other.key ? -1 : 1));
}
