// Locks that are waited for: a key on a lease that all locks of this store share, made only if absent. Waiters of this
// process stand in line; the first of them contends with the other processes each time the key goes.
import { randomUUID } from "node:crypto";
import type { Clock } from "../../clock.ts";
import { CloudError, isKind, messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { KeptLease } from "./lease.ts";
import { create, type Entry, type Lock, type LockOptions, type Mirror, remove, type Store } from "./store.ts";

const TTL_S = 10;
const SWEEP_MS = 1000;
/** What a waiter of this process leaves to those of others, who hear of a free lock a round trip later. */
const COURTESY_MS = 3;

/** What stands in the store; `owner` is the one store object that wrote it. */
export interface LockValue {
  readonly node: string;
  readonly pid: number;
  readonly operation: string;
  readonly since: number;
  readonly owner: string;
}

export interface LocksOptions {
  store: Pick<Store, "commit">;
  mirror: Mirror;
  openLease(ttl_s: number): Promise<KeptLease>;
  node: string;
  clock: Clock;
  log: Log;
}

interface Held {
  readonly revision: number;
  readonly loss: AbortController;
}

export class Locks {
  readonly #options: LocksOptions;
  readonly #owner = randomUUID();
  /** Who has the turn of this process, by key, and who waits for it. */
  readonly #turns = new Map<string, (() => void)[]>();
  readonly #held = new Map<string, Held>();
  readonly #waits = new Set<AbortController>();
  #lease: Promise<KeptLease> | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: LocksOptions) {
    this.#options = options;
    options.mirror.watch("lock/", ({ key, after }) => {
      const held = this.#held.get(key);
      if (held !== undefined && after?.revision !== held.revision) held.loss.abort(gone(key));
      if (after !== undefined && this.#isStray(after as Entry<LockValue>)) this.#sweepLater();
    });
    options.mirror.onReturn(() => this.#sweepLater());
  }

  async take(name: string, options: LockOptions): Promise<Lock> {
    options.signal?.throwIfAborted();
    const key = `lock/${name}`;
    const wait = new AbortController();
    const tooLong = () => wait.abort(this.#heldTooLong(key, options.wait_ms));
    const timer = setTimeout(tooLong, options.wait_ms);
    const cancel = () => wait.abort(options.signal?.reason);
    options.signal?.addEventListener("abort", cancel, { once: true });
    this.#waits.add(wait);
    try {
      await this.#myTurn(key, wait.signal);
      return await this.#contend(key, options.operation, wait.signal);
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", cancel);
      this.#waits.delete(wait);
    }
  }

  /** Ends the waits; the lease of the held ones is the store's to release. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#sweeper);
    for (const wait of this.#waits) wait.abort(new CloudError("unavailable", "store: closed"));
  }

  async #contend(key: string, operation: string, signal: AbortSignal): Promise<Lock> {
    const { node, clock, mirror } = this.#options;
    try {
      for (;;) {
        const value = { node, pid: process.pid, operation, since: clock.now(), owner: this.#owner };
        const revision = await this.#tryCreate(key, value);
        if (revision !== undefined) return this.#lock(key, revision);
        const holder = mirror.get<LockValue>(key);
        if (holder?.value.owner === this.#owner) await this.#discard(holder);
        else await this.#goneFromMirror(key, signal);
      }
    } catch (error) {
      this.#passOn(key);
      this.#sweepLater();
      throw error;
    }
  }

  /** The revision of the key when it was made, undefined when somebody else holds it. */
  async #tryCreate(key: string, value: LockValue): Promise<number | undefined> {
    const lease = await this.#sharedLease();
    try {
      return await this.#options.store.commit([create(key, value, lease)]);
    } catch (error) {
      if (!isKind(error, "conflict")) throw error;
      if (error.detail.lease_gone === true) lease.lose("the store has dropped it");
      return undefined;
    }
  }

  #sharedLease(): Promise<KeptLease> {
    if (this.#closed) throw new CloudError("unavailable", "store: closed");
    this.#lease ??= this.#options.openLease(TTL_S).then(
      (lease) => {
        lease.lost.addEventListener("abort", () => this.#loseAll(lease.lost.reason), { once: true });
        return lease;
      },
      (error) => {
        this.#lease = undefined;
        throw error;
      },
    );
    return this.#lease;
  }

  #loseAll(reason: unknown): void {
    this.#lease = undefined;
    for (const { loss } of this.#held.values()) loss.abort(reason);
  }

  #lock(key: string, revision: number): Lock {
    const loss = new AbortController();
    this.#held.set(key, { revision, loss });
    // The mirror may have heard of its end before it was known to be held.
    if (this.#options.mirror.get(key)?.revision !== revision) loss.abort(gone(key));
    let released: Promise<void> | undefined;
    return {
      held: { key, expect: revision },
      lost: loss.signal,
      release: () => (released ??= this.#release(key, revision)),
    };
  }

  /** Never rejects: what cannot be removed now is swept as soon as the store is back, or goes with the lease. */
  async #release(key: string, revision: number): Promise<void> {
    this.#held.delete(key);
    try {
      await this.#discard({ key, revision, value: undefined });
    } catch (error) {
      this.#options.log.warn({ lock: key, error: messageOf(error) }, "a lock is released later");
      this.#sweepLater();
    } finally {
      this.#passOn(key);
    }
  }

  async #discard(entry: Entry): Promise<void> {
    try {
      await this.#options.store.commit([remove(entry)]);
    } catch (error) {
      if (!isKind(error, "conflict")) throw error;
    }
  }

  #myTurn(key: string, signal: AbortSignal): Promise<void> {
    const line = this.#turns.get(key);
    if (line === undefined) {
      this.#turns.set(key, []);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const turn = () => {
        signal.removeEventListener("abort", giveUp);
        resolve();
      };
      const giveUp = () => {
        line.splice(line.indexOf(turn), 1);
        reject(signal.reason);
      };
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener("abort", giveUp, { once: true });
      line.push(turn);
    });
  }

  #passOn(key: string): void {
    if (this.#turns.get(key)?.length === 0) this.#turns.delete(key);
    else setTimeout(() => this.#callNext(key), COURTESY_MS);
  }

  #callNext(key: string): void {
    const next = this.#turns.get(key)?.shift();
    if (next === undefined) this.#turns.delete(key);
    else next();
  }

  #goneFromMirror(key: string, signal: AbortSignal): Promise<void> {
    const { mirror } = this.#options;
    return new Promise((resolve, reject) => {
      if (mirror.get(key) === undefined) return resolve();
      if (signal.aborted) return reject(signal.reason);
      const stop = mirror.watch(key, (change) => {
        if (change.key === key && change.after === undefined) finish(resolve);
      });
      const finish = (answer: () => void) => {
        stop();
        signal.removeEventListener("abort", giveUp);
        answer();
      };
      const giveUp = () => finish(() => reject(signal.reason));
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }

  #heldTooLong(key: string, wait_ms: number): CloudError {
    const holder = this.#options.mirror.get<LockValue>(key)?.value;
    const by = holder === undefined ? "" : ` by ${holder.node} (${holder.operation})`;
    return new CloudError("unavailable", `${key}: still held${by} after ${wait_ms} ms`, {
      detail: { holder },
    });
  }

  /** Ours, but nobody here holds it or asks for it: its making or its removal was never answered. */
  #isStray({ key, value }: Entry<LockValue>): boolean {
    return value.owner === this.#owner && !this.#turns.has(key);
  }

  #sweepLater(): void {
    if (this.#closed || this.#sweeper !== undefined) return;
    this.#sweeper = setTimeout(() => {
      this.#sweeper = undefined;
      this.#sweep();
    }, SWEEP_MS);
  }

  async #sweep(): Promise<void> {
    const strays = this.#options.mirror.list<LockValue>("lock/").filter((entry) => this.#isStray(entry));
    const outcomes = await Promise.allSettled(strays.map((entry) => this.#discard(entry)));
    if (outcomes.some(({ status }) => status === "rejected")) this.#sweepLater();
  }
}

function gone(key: string): CloudError {
  return new CloudError("conflict", `${key}: the lock was lost`);
}
