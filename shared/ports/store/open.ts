// Opens the store on a backend: the mirror, leases and locks, and transactions whose writer sees what it wrote.
import type { Clock } from "../../clock.ts";
import { CloudError, isKind } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Backend, Outcome, RawChange } from "./backend.ts";
import { type KeptLease, openLease } from "./lease.ts";
import { Locks } from "./lock.ts";
import { FollowingMirror } from "./mirror.ts";
import type { Change, Entry, Lease, Lock, LockOptions, Mirror, Store, StoreHealth } from "./store.ts";
import { entryOf, textOf } from "./values.ts";

/** etcd takes 128 operations in a transaction. */
const MOST_CHANGES = 120;

export interface StoreOptions {
  /** The store closes it. */
  backend: Backend;
  /** Prefixes, each ending with "/", whose keys the mirror holds. */
  mirrored: readonly string[];
  /** Who is named as the holder of a lock. */
  node: string;
  clock: Clock;
  log: Log;
  /** How long a write may wait for the mirror to have it. */
  deadline_ms?: number;
}

/** Rejects with "unavailable" when the backend cannot be asked. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { backend, clock, log } = options;
  const mirror = new FollowingMirror({ backend, prefixes: [...options.mirrored, "lock/"], clock, log });
  try {
    await mirror.open();
  } catch (error) {
    mirror.close();
    backend.close();
    throw error;
  }
  return new MirroredStore(options, mirror);
}

class MirroredStore implements Store {
  readonly #backend: Backend;
  readonly #mirror: FollowingMirror;
  readonly #deadline_ms: number;
  readonly #leases = new Set<KeptLease>();
  readonly #locks: Locks;
  #closing: Promise<void> | undefined;

  constructor({ backend, node, clock, log, deadline_ms = 2000 }: StoreOptions, mirror: FollowingMirror) {
    this.#backend = backend;
    this.#mirror = mirror;
    this.#deadline_ms = deadline_ms;
    const lease = (ttl_s: number) => this.#lease(ttl_s);
    this.#locks = new Locks({ store: this, mirror, openLease: lease, node, clock, log });
  }

  get mirror(): Mirror {
    return this.#mirror;
  }

  async get<T>(key: string): Promise<Entry<T> | undefined> {
    const raw = await this.#ask((backend) => backend.get(key));
    return raw === undefined ? undefined : entryOf<T>(raw);
  }

  async list<T>(prefix: string, options: { limit?: number; reverse?: boolean } = {}): Promise<Entry<T>[]> {
    const found = await this.#ask((backend) => backend.range(prefix, options));
    return found.map((raw) => entryOf<T>(raw));
  }

  count(prefix: string): Promise<number> {
    return this.#ask((backend) => backend.count(prefix));
  }

  /** Key after key, each time past all that is below the last one. */
  async children(prefix: string): Promise<string[]> {
    const found: string[] = [];
    for (let from = prefix; ; ) {
      const at = from;
      const [next] = await this.#ask((backend) => backend.range(prefix, { limit: 1, from: at }));
      if (next === undefined) return found;
      const name = next.key.slice(prefix.length).split("/")[0] ?? "";
      found.push(name);
      // "0" is the character after "/".
      from = `${prefix}${name}0`;
    }
  }

  compact(revision: number): Promise<void> {
    return this.#ask((backend) => backend.compact(revision));
  }

  health(): Promise<StoreHealth> {
    return this.#ask((backend) => backend.health());
  }

  async commit(changes: readonly Change[]): Promise<number> {
    requireSound(changes);
    const outcome = await this.#ask((backend) => backend.commit(changes.map(rawChange)));
    if (!outcome.committed) return this.#refuse(outcome);
    for (const { committed } of changes) committed?.();
    if (outcome.changed.some((key) => this.#mirror.covers(key))) await this.#seen(outcome.revision);
    return outcome.revision;
  }

  async clear(prefix: string): Promise<void> {
    const { revision, deleted } = await this.#ask((backend) => backend.clear(prefix));
    if (deleted > 0) await this.#seen(revision);
  }

  lease(ttl_s: number): Promise<Lease> {
    return this.#lease(ttl_s);
  }

  lock(name: string, options: LockOptions): Promise<Lock> {
    return this.#locks.take(name, options);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#locks.close();
    this.#mirror.close();
    await Promise.all([...this.#leases].map((lease) => lease.release()));
    this.#backend.close();
  }

  async #lease(ttl_s: number): Promise<KeptLease> {
    const lease: KeptLease = await this.#ask((backend) =>
      openLease(backend, ttl_s, () => this.#leases.delete(lease)),
    );
    if (this.#closing !== undefined) {
      await lease.release();
      throw closed();
    }
    this.#leases.add(lease);
    return lease;
  }

  async #ask<T>(question: (backend: Backend) => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw closed();
    try {
      return await question(this.#backend);
    } catch (error) {
      if (isKind(error, "unavailable")) this.#mirror.suspect();
      throw error;
    }
  }

  async #refuse(outcome: Outcome & { committed: false }): Promise<never> {
    const { found, revision, failed, lease_gone } = outcome;
    if (!(await this.#mirror.caughtUp(found, revision, this.#deadline_ms))) throw this.#behind();
    const why = lease_gone ? "its lease is gone" : "changed meanwhile";
    throw new CloudError("conflict", `${failed[0]}: ${why}`, { detail: { keys: failed, lease_gone } });
  }

  async #seen(revision: number): Promise<void> {
    if (!(await this.#mirror.reached(revision, this.#deadline_ms))) throw this.#behind();
  }

  #behind(): CloudError {
    this.#mirror.suspect();
    return new CloudError("unavailable", `store: no news of the change for ${this.#deadline_ms} ms`);
  }
}

function rawChange({ key, expect, write }: Change): RawChange {
  const compared = expect === undefined ? { key } : { key, expect };
  if (write === undefined) return compared;
  if (write === "delete") return { ...compared, write };
  const text = textOf(key, write.put);
  return {
    ...compared,
    write: write.lease === undefined ? { put: text } : { put: text, lease: write.lease },
  };
}

function requireSound(changes: readonly Change[]): void {
  if (changes.length > MOST_CHANGES) {
    throw new CloudError("internal", `store: ${changes.length} changes in one transaction`);
  }
  const written = changes.filter(({ write }) => write !== undefined).map(({ key }) => key);
  const twice = written.find((key, at) => written.indexOf(key) !== at);
  if (twice !== undefined) throw new CloudError("internal", `${twice}: written twice in one transaction`);
}

function closed(): CloudError {
  return new CloudError("unavailable", "store: closed");
}
