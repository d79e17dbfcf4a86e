// One connection to a database in memory: the store's backend for tests and for trying things out.
import type { Backend, Outcome, RangeOptions, Raw, RawChange, Watch, WatchEvents } from "./backend.ts";
import type { Memory, Stored } from "./memory.ts";
import type { StoreHealth } from "./store.ts";

export class MemoryBackend implements Backend {
  readonly #memory: Memory;
  readonly #prefix: string;
  readonly #deadline_ms: number;
  readonly #stops = new Set<() => void>();

  constructor(memory: Memory, prefix: string, deadline_ms: number) {
    this.#memory = memory;
    this.#prefix = prefix;
    this.#deadline_ms = deadline_ms;
  }

  async get(key: string): Promise<Raw | undefined> {
    await this.#answering();
    const stored = this.#memory.keys.get(this.#prefix + key);
    return stored === undefined ? undefined : { ...stored, key };
  }

  async range(prefix: string, { limit, reverse, revision, from: first }: RangeOptions = {}): Promise<Raw[]> {
    await this.#answering();
    const from = this.#prefix + prefix;
    const past = this.#memory.at(revision ?? this.#memory.revision);
    const start = this.#prefix + (first ?? prefix);
    const found = [...past.values()].filter(({ key }) => key.startsWith(from) && key >= start);
    found.sort((one, other) => (one.key < other.key ? -1 : 1));
    if (reverse === true) found.reverse();
    return found.slice(0, limit).map((raw) => ({ ...raw, key: raw.key.slice(this.#prefix.length) }));
  }

  async count(prefix: string): Promise<number> {
    return (await this.range(prefix)).length;
  }

  async compact(revision: number): Promise<void> {
    await this.#answering();
    this.#memory.compact(revision);
  }

  async health(): Promise<StoreHealth> {
    await this.#answering();
    return this.#memory.health;
  }

  async commit(changes: readonly RawChange[]): Promise<Outcome> {
    await this.#answering();
    const { keys, leases, revision } = this.#memory;
    const revisionOf = (key: string) => keys.get(this.#prefix + key)?.revision ?? 0;
    const compared = changes.filter(({ expect }) => expect !== undefined);
    const failed = compared.filter(({ key, expect }) => revisionOf(key) !== expect).map(({ key }) => key);
    const found = new Map(compared.map(({ key }) => [key, revisionOf(key)]));
    if (failed.length > 0) return { committed: false, revision, found, failed, lease_gone: false };
    const unleased = changes.filter((change) => leaseOf(change) && !leases.has(leaseOf(change) ?? ""));
    if (unleased.length > 0) {
      const without = unleased.map(({ key }) => key);
      return { committed: false, revision: 0, found: new Map(), failed: without, lease_gone: true };
    }
    const written = changes.filter(
      ({ key, write }) => typeof write === "object" || (write && revisionOf(key)),
    );
    if (written.length === 0) return { committed: true, revision, changed: [] };
    const at = this.#memory.write(written.map((change) => this.#stored(change)));
    return { committed: true, revision: at, changed: written.map(({ key }) => key) };
  }

  async clear(prefix: string): Promise<{ revision: number; deleted: number }> {
    await this.#answering();
    const from = this.#prefix + prefix;
    const keys = [...this.#memory.keys.keys()].filter((key) => key.startsWith(from));
    if (keys.length === 0) return { revision: this.#memory.revision, deleted: 0 };
    return { revision: this.#memory.write(keys.map((key) => ({ key }))), deleted: keys.length };
  }

  async head(): Promise<number> {
    await this.#answering();
    return this.#memory.revision;
  }

  async watch(from: number, events: WatchEvents): Promise<Watch> {
    await this.#answering();
    const unfollow = this.#memory.follow(this.#prefix, from, events);
    const close = () => {
      unfollow();
      this.#stops.delete(close);
    };
    this.#stops.add(close);
    return { check: () => this.#answering(), close };
  }

  async grant(ttl_s: number): Promise<string> {
    await this.#answering();
    return this.#memory.grant(ttl_s);
  }

  async renew(lease: string): Promise<boolean> {
    await this.#answering();
    return this.#memory.renew(lease);
  }

  async revoke(lease: string): Promise<void> {
    await this.#answering();
    this.#memory.revoke(lease);
  }

  close(): void {
    for (const stop of [...this.#stops]) stop();
  }

  #answering(): Promise<void> {
    return this.#memory.answering(this.#deadline_ms);
  }

  #stored(change: RawChange): Stored | { key: string } {
    const key = this.#prefix + change.key;
    if (typeof change.write !== "object") return { key };
    return { key, text: change.write.put, revision: 0, lease: leaseOf(change) };
  }
}

function leaseOf({ write }: RawChange): string | undefined {
  return typeof write === "object" ? write.lease : undefined;
}
