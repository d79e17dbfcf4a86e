// What the store needs of a database: keys with text and revisions, compare-and-write, watches, leases.
// Two of them exist, etcd and memory. Every call has the backend's own deadline and rejects with CloudError.
import type { StoreHealth } from "./store.ts";

/** A key as it stands; keys are without the site's prefix. */
export interface Raw {
  readonly key: string;
  readonly text: string;
  readonly revision: number;
}

export interface RawChange {
  readonly key: string;
  readonly expect?: number;
  readonly write?: { readonly put: string; readonly lease?: string } | "delete";
}

/** `changed` names the keys that really changed; `found` the revision (0: absent) of every key that was compared. */
export type Outcome =
  | { readonly committed: true; readonly revision: number; readonly changed: readonly string[] }
  | {
      readonly committed: false;
      readonly revision: number;
      readonly found: ReadonlyMap<string, number>;
      readonly failed: readonly string[];
      readonly lease_gone: boolean;
    };

/** `text` undefined: the key was deleted. */
export interface RawEvent {
  readonly key: string;
  readonly text: string | undefined;
  readonly revision: number;
}

/** `revision` asks for the past: the keys as they stood then. `from`: the first key that counts, ascending. */
export interface RangeOptions {
  readonly from?: string;
  readonly limit?: number;
  readonly reverse?: boolean;
  readonly revision?: number;
}

export interface WatchEvents {
  /** In the store's order; all events of one revision come in one call. */
  changed(events: readonly RawEvent[]): void;
  /** At most once, and never after `close`. Nothing follows it. */
  lost(reason: unknown): void;
}

export interface Watch {
  /** Resolves when both this watch and the store behind it still answer; a frozen store only goes silent. */
  check(): Promise<void>;
  close(): void;
}

export interface Backend {
  get(key: string): Promise<Raw | undefined>;
  /** Consistent even when it takes several pages; ascending by key unless `reverse`. */
  range(prefix: string, options?: RangeOptions): Promise<Raw[]>;
  count(prefix: string): Promise<number>;
  health(): Promise<StoreHealth>;
  commit(changes: readonly RawChange[]): Promise<Outcome>;
  clear(prefix: string): Promise<{ revision: number; deleted: number }>;
  /** Forgets what the keys were before the revision; one that is forgotten already is success. */
  compact(revision: number): Promise<void>;
  /** The store's revision, linearizable, with a short deadline: whether and where the store is. */
  head(): Promise<number>;
  /** Every change of the site from this revision on. Resolves once it is in force. */
  watch(from: number, events: WatchEvents): Promise<Watch>;
  grant(ttl_s: number): Promise<string>;
  /** False when the lease is gone. */
  renew(lease: string): Promise<boolean>;
  revoke(lease: string): Promise<void>;
  close(): void;
}
