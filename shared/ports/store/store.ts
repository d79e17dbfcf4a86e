// The cloud's state: keys with JSON values in etcd, changed by transactions only, read from a mirror.
// Keys are given without the site's prefix: `instance/<uuid>`.

/** A value as it stood at `revision`, the store's revision of the key's last change. Values are frozen: copy to change. */
export interface Entry<T = unknown> {
  readonly key: string;
  readonly value: T;
  readonly revision: number;
}

/**
 * One line of a transaction. `expect` is the revision the key must still have, 0 for "must not exist"; without it the
 * write is unconditional. Made by `create`, `replace`, `remove`, `check`, `put` and `discard`.
 */
export interface Change {
  readonly key: string;
  readonly expect?: number;
  readonly write?: { readonly put: unknown; readonly lease?: string } | "delete";
  /** Called once the change is in the store. */
  readonly committed?: () => void;
}

export const create = (key: string, value: unknown, lease?: Lease): Change => ({
  key,
  expect: 0,
  write: putOf(value, lease),
});
export const replace = (entry: Entry, value: unknown, lease?: Lease): Change => ({
  key: entry.key,
  expect: entry.revision,
  write: putOf(value, lease),
});
export const remove = (entry: Entry): Change => ({ key: entry.key, expect: entry.revision, write: "delete" });
export const check = (entry: Entry): Change => ({ key: entry.key, expect: entry.revision });
export const put = (key: string, value: unknown, lease?: Lease): Change => ({
  key,
  write: putOf(value, lease),
});
export const discard = (key: string): Change => ({ key, write: "delete" });

/** The change, and what is to be told of it: not before it is in the store, where a transaction may lose its race. */
export const whenDone = (change: Change, tell: () => void): Change => ({
  ...change,
  committed() {
    tell();
    change.committed?.();
  },
});

function putOf(value: unknown, lease: Lease | undefined): { put: unknown; lease?: string } {
  return lease === undefined ? { put: value } : { put: value, lease: lease.id };
}

/** Keys that hang on it go when it is released, lost, or its owner dies. Kept alive until then. */
export interface Lease {
  readonly id: string;
  /** Aborted when the store says that the lease is gone, or when it could not be renewed for its whole life. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export interface Lock {
  /** Put into the transaction that the lock protects: it fails when the lock was lost. */
  readonly held: Change;
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export interface LockOptions {
  /** How long to wait for another holder; then CloudError "unavailable". */
  wait_ms: number;
  /** What is being done, for people who look at the lock. */
  operation: string;
  signal?: AbortSignal;
}

/** A change as the mirror saw it; `value` undefined for a deletion. */
export interface MirrorChange {
  readonly key: string;
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
}

/**
 * An in-memory copy of the keys under the mirrored prefixes, fed by watches. Prefixes end with "/".
 * Reads cost no round trip and are never older than this node's own last write.
 */
export interface Mirror {
  get<T>(key: string): Entry<T> | undefined;
  /** The same array as long as nothing under the prefix has changed. */
  list<T>(prefix: string): readonly Entry<T>[];
  /** Called after each change under the prefix, in the store's order. Returns the way to stop. */
  watch(prefix: string, listener: (change: MirrorChange) => void): () => void;
  /** Resolves with the first defined answer of `find`, asked at once and after each change under the prefix; undefined after the time. */
  until<T>(prefix: string, find: () => T | undefined, timeout_ms: number): Promise<T | undefined>;
  /** 0 while the store answers; else for how long it has not, in ms. */
  stale_ms(): number;
  /** The store's revision that has been reached. */
  revision(): number;
  /** True once every change up to the revision is in; false after the time. */
  reached(revision: number, timeout_ms: number): Promise<boolean>;
  /** Called each time the store is back after an outage, the mirror having caught up. */
  onReturn(listener: () => void): () => void;
}

/** How the database behind the store is. */
export interface StoreHealth {
  members: readonly {
    host: string;
    /** Why it cannot be asked; null for one that answers. */
    failure: string | null;
    /** Bytes of its file; 0 when it cannot be asked. */
    size: number;
  }[];
  /** Such as NOSPACE, with which it takes no more writes. */
  alarms: readonly string[];
}

/**
 * Every call has a deadline and rejects with CloudError: "unavailable" when the store cannot be asked or does not answer,
 * "conflict" (detail.keys) when a transaction's expectations do not hold. A write that was answered "unavailable" may have happened.
 */
export interface Store {
  readonly mirror: Mirror;
  /** Linearizable: for confirming what the mirror denies. */
  get<T>(key: string): Promise<Entry<T> | undefined>;
  /** Linearizable, paged inside, ascending by key; `limit` newest-key-first when `reverse`. */
  list<T>(prefix: string, options?: { limit?: number; reverse?: boolean }): Promise<Entry<T>[]>;
  count(prefix: string): Promise<number>;
  /** What follows the prefix up to the next "/", each once: the names of objects, without reading what is below them. */
  children(prefix: string): Promise<string[]>;
  health(): Promise<StoreHealth>;
  /** Forgets what the keys were before the revision: without that a store grows with each change. */
  compact(revision: number): Promise<void>;
  /** All or nothing; answers the revision, which the mirror has reached (also after a conflict). At most 120 changes. */
  commit(changes: readonly Change[]): Promise<number>;
  /** Deletes every key under the prefix, unconditionally. */
  clear(prefix: string): Promise<void>;
  lease(ttl_s: number): Promise<Lease>;
  lock(name: string, options: LockOptions): Promise<Lock>;
  close(): Promise<void>;
}
