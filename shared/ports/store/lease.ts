// A lease kept alive until it is released, and known to be lost no later than the store drops it.
import type { Backend } from "./backend.ts";
import type { Lease } from "./store.ts";

const RETRY_MS = 500;

/** Asks for a lease and begins to keep it alive. `onEnd` is called once, however it ends. */
export async function openLease(backend: Backend, ttl_s: number, onEnd: () => void): Promise<KeptLease> {
  const asked_at = performance.now();
  const id = await backend.grant(ttl_s);
  return new KeptLease(backend, id, ttl_s * 1000, asked_at, onEnd);
}

export class KeptLease implements Lease {
  readonly id: string;
  readonly #backend: Backend;
  readonly #ttl_ms: number;
  readonly #onEnd: () => void;
  readonly #loss = new AbortController();
  #renewal: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(backend: Backend, id: string, ttl_ms: number, asked_at: number, onEnd: () => void) {
    this.id = id;
    this.#backend = backend;
    this.#ttl_ms = ttl_ms;
    this.#onEnd = onEnd;
    this.#extend(asked_at);
  }

  get lost(): AbortSignal {
    return this.#loss.signal;
  }

  /** Resolves also when the store is away: no longer renewed, the lease lapses there by itself. */
  async release(): Promise<void> {
    if (this.#end()) await this.#backend.revoke(this.id).catch(() => undefined);
  }

  /** The store has said that it is gone. */
  lose(why: string): void {
    if (this.#end()) this.#loss.abort(new Error(`lease ${this.id}: ${why}`));
  }

  /** Its life counts from before the question, so that it never outlives the store's own count. */
  #extend(asked_at: number): void {
    clearTimeout(this.#expiry);
    const left_ms = asked_at + this.#ttl_ms - performance.now();
    this.#expiry = setTimeout(() => this.lose("could not be renewed for its whole life"), left_ms);
    this.#renewLater(this.#ttl_ms / 3);
  }

  #renewLater(ms: number): void {
    this.#renewal = setTimeout(() => this.#renew(), Math.min(ms, this.#ttl_ms / 3));
  }

  async #renew(): Promise<void> {
    const asked_at = performance.now();
    try {
      const alive = await this.#backend.renew(this.id);
      if (this.#ended) return;
      if (alive) this.#extend(asked_at);
      else this.lose("the store has dropped it");
    } catch {
      if (!this.#ended) this.#renewLater(RETRY_MS);
    }
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    clearTimeout(this.#renewal);
    clearTimeout(this.#expiry);
    this.#onEnd();
    return true;
  }
}
