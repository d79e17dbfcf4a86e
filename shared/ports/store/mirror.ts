// The mirror: an in-memory copy of the keys under some prefixes. It takes a snapshot at one revision, follows the store
// by a watch from the next one, and starts over, telling the differences, whenever the watch is lost.
//
// One watch over the whole site rather than one for each prefix: the changes of one transaction then arrive together,
// so that whoever hears of one of them finds the others already there. A frozen store only goes silent, so the watch
// is asked every four seconds whether it still lives.
import type { Clock } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Backend, Raw, RawEvent, Watch } from "./backend.ts";
import { Entries } from "./entries.ts";
import type { Entry, Mirror, MirrorChange } from "./store.ts";
import { entryOf } from "./values.ts";
import { Waits } from "./waits.ts";

const CHECK_MS = 4000;
const RETRY_MS = 200;

export interface MirrorOptions {
  backend: Backend;
  prefixes: readonly string[];
  clock: Clock;
  log: Log;
}

type Listener = (change: MirrorChange) => void;

export class FollowingMirror implements Mirror {
  readonly #backend: Backend;
  readonly #prefixes: readonly string[];
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #entries = new Entries();
  readonly #listeners = new Set<{ prefix: string; listener: Listener }>();
  readonly #returnListeners = new Set<() => void>();
  readonly #waits = new Waits();
  #wake = new AbortController();
  #seen = 0;
  #heard_at = performance.now();
  #state: "down" | "following" | "closed" = "down";
  #watch: Watch | undefined;
  #lost: unknown;

  constructor({ backend, prefixes, clock, log }: MirrorOptions) {
    this.#backend = backend;
    this.#prefixes = prefixes;
    this.#clock = clock;
    this.#log = log;
  }

  /** Resolves with the first copy; rejects when the store cannot be asked. Follows from then on. */
  async open(): Promise<void> {
    await this.#synchronise();
    this.#keepFollowing();
  }

  get<T>(key: string): Entry<T> | undefined {
    return this.#entries.get(key) as Entry<T> | undefined;
  }

  list<T>(prefix: string): Entry<T>[] {
    return this.#entries.list(prefix) as Entry<T>[];
  }

  watch(prefix: string, listener: Listener): () => void {
    const watcher = { prefix, listener };
    this.#listeners.add(watcher);
    return () => this.#listeners.delete(watcher);
  }

  until<T>(prefix: string, find: () => T | undefined, timeout_ms: number): Promise<T | undefined> {
    return this.#waits.until(prefix, find, timeout_ms);
  }

  stale_ms(): number {
    return this.#state === "following" ? 0 : Math.max(1, Math.round(performance.now() - this.#heard_at));
  }

  onReturn(listener: () => void): () => void {
    this.#returnListeners.add(listener);
    return () => this.#returnListeners.delete(listener);
  }

  covers(key: string): boolean {
    return this.#prefixes.some((prefix) => key.startsWith(prefix));
  }

  revision(): number {
    return this.#seen;
  }

  reached(revision: number, timeout_ms: number): Promise<boolean> {
    return this.#settled(() => this.#seen >= revision, timeout_ms);
  }

  /** True once it is not behind what a read of these keys, made at `revision`, found (0: absent). */
  caughtUp(found: ReadonlyMap<string, number>, revision: number, timeout_ms: number): Promise<boolean> {
    const mirrored = [...found].filter(([key]) => this.covers(key));
    const isFresh = ([key, at]: [string, number]) => {
      const entry = this.#entries.get(key);
      return entry === undefined ? at === 0 : entry.revision >= at && (at > 0 || entry.revision > revision);
    };
    return this.#settled(() => this.#seen >= revision || mirrored.every(isFresh), timeout_ms);
  }

  /** Looks at once whether the store still answers: somebody got no answer. */
  suspect(): void {
    if (this.#state === "following") this.#wake.abort();
  }

  close(): void {
    this.#state = "closed";
    this.#watch?.close();
    this.#wake.abort();
    this.#listeners.clear();
    this.#returnListeners.clear();
    this.#waits.giveUp();
  }

  async #settled(condition: () => boolean, timeout_ms: number): Promise<boolean> {
    return (await this.#waits.until("", () => condition() || undefined, timeout_ms)) === true;
  }

  async #keepFollowing(): Promise<void> {
    while (this.#state !== "closed") {
      try {
        if (this.#state === "down") {
          await this.#synchronise();
          this.#tell(this.#returnListeners, (listener) => listener());
        }
        await this.#rest(CHECK_MS);
        await this.#check();
      } catch (error) {
        this.#fall(error);
        await this.#rest(RETRY_MS);
      }
    }
  }

  async #check(): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    await this.#watch?.check();
    this.#heard_at = performance.now();
  }

  #fall(error: unknown): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#lost = undefined;
    if (this.#state !== "following") return;
    this.#state = "down";
    this.#log.warn({ error: messageOf(error) }, "the store is away");
  }

  async #rest(ms: number): Promise<void> {
    this.#wake = new AbortController();
    if (this.#state === "closed" || this.#lost !== undefined) return;
    await this.#clock.sleep(ms, this.#wake.signal).catch(() => undefined);
  }

  async #synchronise(): Promise<void> {
    const revision = await this.#backend.head();
    const ranges = this.#prefixes.map((prefix) => this.#backend.range(prefix, { revision }));
    const found = (await Promise.all(ranges)).flat();
    if (this.#isClosed()) return;
    this.#take(this.#differences(found), revision);
    this.#lost = undefined;
    const watch = await this.#backend.watch(revision + 1, {
      changed: (events) => this.#follow(events),
      lost: (reason) => {
        this.#lost = reason;
        this.#wake.abort();
      },
    });
    if (this.#isClosed()) return watch.close();
    this.#watch = watch;
    this.#state = "following";
    this.#heard_at = performance.now();
  }

  #isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Deletions first, since their order is unknown and what took their place comes after; then in the order of change. */
  #differences(found: readonly Raw[]): RawEvent[] {
    const keys = new Set(found.map(({ key }) => key));
    const gone = [...this.#entries.keys()].filter((key) => !keys.has(key));
    const changed = found.filter(({ key, revision }) => this.#entries.get(key)?.revision !== revision);
    changed.sort((one, other) => one.revision - other.revision);
    return [...gone.map((key) => ({ key, text: undefined, revision: 0 })), ...changed];
  }

  #follow(events: readonly RawEvent[]): void {
    this.#heard_at = performance.now();
    for (let first = 0, after = 1; first < events.length; first = after++) {
      const revision = events[first]?.revision ?? 0;
      while (events[after]?.revision === revision) after++;
      this.#take(events.slice(first, after), revision);
    }
  }

  #take(events: readonly RawEvent[], revision: number): void {
    const changes = events.filter(({ key }) => this.covers(key)).map((event) => this.#apply(event));
    this.#seen = revision;
    for (const change of changes) {
      const concerned = [...this.#listeners].filter(({ prefix }) => change.key.startsWith(prefix));
      this.#tell(concerned, ({ listener }) => listener(change));
    }
    this.#waits.ask(changes.map(({ key }) => key));
  }

  #apply({ key, text, revision }: RawEvent): MirrorChange {
    const before = this.#entries.get(key);
    const after = text === undefined ? undefined : this.#parsed({ key, text, revision });
    if (after === undefined) this.#entries.delete(key);
    else this.#entries.set(after);
    return { key, before, after };
  }

  /** A value that somebody wrote by hand, and wrongly, must not end the mirror. */
  #parsed(raw: Raw): Entry | undefined {
    try {
      return entryOf(raw);
    } catch (error) {
      this.#log.error({ key: raw.key, error: messageOf(error) }, "a stored value is ignored");
      return undefined;
    }
  }

  #tell<T>(listeners: Iterable<T>, tell: (listener: T) => void): void {
    for (const listener of [...listeners]) {
      try {
        tell(listener);
      } catch (error) {
        this.#log.error({ error: messageOf(error) }, "a listener of the mirror failed");
      }
    }
  }
}
