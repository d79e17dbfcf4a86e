// A database in this process's memory, with revisions, watches and leases like etcd's, and faults on demand.
// Each connection has a prefix of its own; connections with the same prefix see the same keys.
import { CloudError } from "../../errors.ts";
import type { Backend, Raw, RawEvent, WatchEvents } from "./backend.ts";
import { MemoryBackend } from "./memory-backend.ts";
import type { StoreHealth } from "./store.ts";

export interface MemoryOptions {
  prefix?: string;
  deadline_ms?: number;
}

/** How many revisions a watch may begin in the past, and a range may ask for. */
const HISTORY = 10_000;

export interface Stored extends Raw {
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
  /** What is told of it. */
  health: StoreHealth = { members: [{ host: "memory", failure: null, size: 4096 }], alarms: [] };
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
  compact(revision = this.revision + 1): void {
    const forgotten = Math.max(0, revision - this.#oldest);
    this.#history.splice(0, forgotten);
    this.#oldest += forgotten;
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

function compacted(): CloudError {
  return new CloudError("unavailable", "store: memory: the revision is compacted");
}
