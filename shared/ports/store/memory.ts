// The store's backend in this process's memory, with revisions, watches and leases like etcd's, and faults on demand.
// Each connection has a prefix of its own; connections with the same prefix see the same keys.
import { CloudError } from "../../errors.ts";
import type {
  Backend,
  Outcome,
  RangeOptions,
  Raw,
  RawChange,
  RawEvent,
  Watch,
  WatchEvents,
} from "./backend.ts";

export interface MemoryOptions {
  prefix?: string;
  deadline_ms?: number;
}

/** How many revisions a watch may begin in the past, and a range may ask for. */
const HISTORY = 10_000;

interface Stored extends Raw {
  readonly lease: string | undefined;
}

interface Version extends RawEvent {
  readonly before: Stored | undefined;
}

interface Follower {
  readonly prefix: string;
  next: number;
  readonly events: WatchEvents;
  due: boolean;
}

/** A backend alone in a memory of its own. */
export function openMemory(options: MemoryOptions = {}): Backend {
  return new Memory().connect(options);
}

export class Memory {
  readonly keys = new Map<string, Stored>();
  readonly leases = new Map<string, { readonly ttl_ms: number; timer: NodeJS.Timeout }>();
  readonly #history: Version[][] = [];
  readonly #followers = new Set<Follower>();
  readonly #thawed = new Set<() => void>();
  #oldest = 1;
  #leaseCount = 0;
  #state: "up" | "frozen" | "down" = "up";

  get revision(): number {
    return this.#oldest + this.#history.length - 1;
  }

  connect({ prefix = "/", deadline_ms = 2000 }: MemoryOptions = {}): Backend {
    return new MemoryBackend(this, prefix.endsWith("/") ? prefix : `${prefix}/`, deadline_ms);
  }

  /** Calls hang until their deadline, watches go silent. */
  freeze(): void {
    this.#state = "frozen";
  }

  /** Calls fail at once, watches end. */
  kill(): void {
    this.#state = "down";
    const followers = [...this.#followers];
    this.#followers.clear();
    for (const { events } of followers) setImmediate(() => events.lost(new Error("memory: killed")));
    this.#wake();
  }

  /** Answers again, after `freeze` or `kill`. */
  revive(): void {
    this.#state = "up";
    this.#wake();
    for (const follower of this.#followers) this.#deliverSoon(follower);
  }

  /** Forgets the past, as etcd does when it is compacted. */
  compact(): void {
    this.#oldest = this.revision + 1;
    this.#history.length = 0;
  }

  /** Resolves when the store would answer. */
  async answering(deadline_ms: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#state === "frozen") await this.#thaw(deadline_ms);
    if (this.#state === "down") throw new CloudError("unavailable", "store: memory: killed");
  }

  write(changes: readonly (Raw | Stored | { key: string })[]): number {
    const revision = this.revision + 1;
    this.#history.push(changes.map((change) => this.#apply(change, revision)));
    if (this.#history.length > HISTORY) {
      this.#history.shift();
      this.#oldest++;
    }
    for (const follower of this.#followers) this.#deliverSoon(follower);
    return revision;
  }

  /** The keys as they stood at a revision. */
  at(revision: number): ReadonlyMap<string, Stored> {
    if (revision >= this.revision) return this.keys;
    if (revision < this.#oldest - 1) throw compacted();
    const past = new Map(this.keys);
    for (const version of this.#history
      .slice(revision + 1 - this.#oldest)
      .reverse()
      .flat()) {
      if (version.before === undefined) past.delete(version.key);
      else past.set(version.key, version.before);
    }
    return past;
  }

  follow(prefix: string, from: number, events: WatchEvents): () => void {
    if (from < this.#oldest) throw compacted();
    const follower = { prefix, next: from, events, due: false };
    this.#followers.add(follower);
    this.#deliverSoon(follower);
    return () => this.#followers.delete(follower);
  }

  grant(ttl_s: number): string {
    const id = String(++this.#leaseCount);
    const ttl_ms = ttl_s * 1000;
    this.leases.set(id, { ttl_ms, timer: setTimeout(() => this.revoke(id), ttl_ms).unref() });
    return id;
  }

  renew(id: string): boolean {
    this.leases.get(id)?.timer.refresh();
    return this.leases.has(id);
  }

  revoke(id: string): void {
    clearTimeout(this.leases.get(id)?.timer);
    this.leases.delete(id);
    const bound = [...this.keys.values()].filter(({ lease }) => lease === id);
    if (bound.length > 0) this.write(bound.map(({ key }) => ({ key })));
  }

  #apply(change: Raw | Stored | { key: string }, revision: number): Version {
    const { key } = change;
    const before = this.keys.get(key);
    if (!("text" in change)) {
      this.keys.delete(key);
      return { key, text: undefined, revision, before };
    }
    this.keys.set(key, { ...change, revision, lease: "lease" in change ? change.lease : undefined });
    return { key, text: change.text, revision, before };
  }

  #deliverSoon(follower: Follower): void {
    if (follower.due) return;
    follower.due = true;
    setImmediate(() => {
      follower.due = false;
      if (this.#state === "up" && this.#followers.has(follower)) this.#deliver(follower);
    });
  }

  #deliver(follower: Follower): void {
    const { prefix, events, next } = follower;
    if (next < this.#oldest) {
      this.#followers.delete(follower);
      events.lost(compacted());
      return;
    }
    const versions = this.#history.slice(next - this.#oldest).flat();
    const seen = versions.filter(({ key }) => key.startsWith(prefix));
    follower.next = this.revision + 1;
    const named = seen.map((version) => ({ ...version, key: version.key.slice(prefix.length) }));
    if (named.length > 0) events.changed(named);
  }

  async #thaw(deadline_ms: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const thawed = () => {
        clearTimeout(timer);
        this.#thawed.delete(thawed);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#thawed.delete(thawed);
        reject(new CloudError("unavailable", `store: memory: no answer within ${deadline_ms} ms`));
      }, deadline_ms);
      this.#thawed.add(thawed);
    });
  }

  #wake(): void {
    for (const thawed of [...this.#thawed]) thawed();
  }
}

class MemoryBackend implements Backend {
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

  async range(prefix: string, { limit, reverse, revision }: RangeOptions = {}): Promise<Raw[]> {
    await this.#answering();
    const from = this.#prefix + prefix;
    const past = this.#memory.at(revision ?? this.#memory.revision);
    const found = [...past.values()].filter(({ key }) => key.startsWith(from));
    found.sort((one, other) => (one.key < other.key ? -1 : 1));
    if (reverse === true) found.reverse();
    return found.slice(0, limit).map((raw) => ({ ...raw, key: raw.key.slice(this.#prefix.length) }));
  }

  async count(prefix: string): Promise<number> {
    return (await this.range(prefix)).length;
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

function compacted(): CloudError {
  return new CloudError("unavailable", "store: memory: the revision is compacted");
}
