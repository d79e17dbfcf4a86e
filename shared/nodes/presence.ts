// Keeps this node known: its record for good, its presence and its metrics for as long as its lease lives.
import { CloudError, isKind, messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { type Change, type Lease, put, replace } from "../ports/store/store.ts";
import { type Capacity, type Metrics, metricsKey, type NodeRecord, nodeKey, presenceKey } from "./record.ts";
import { type Registrant, register } from "./registration.ts";

const AGAIN_MS = 1000;
const LASTSEEN_EVERY_S = 30;

export interface PresenceTools extends Registrant {
  log: Log;
  readCapacity(): Promise<Capacity>;
}

export interface PresenceKeeper {
  /**
   * Looks at what the node has now and publishes it with the metrics. The capacity is written only when it has changed,
   * or when `renew` is set, because the last look was too early to show something.
   */
  publish(metrics: Metrics, renew: boolean): Promise<void>;
  /** As they were published last, and `updated_at`, s; empty at first. */
  metrics(): Metrics;
  /** The node leaves: its presence goes at once. */
  close(): Promise<void>;
}

/** Registers the node; after a loss of the lease it registers again until it is closed. */
export async function keepPresence(tools: PresenceTools): Promise<PresenceKeeper> {
  const { store, clock, log, node, installation, readCapacity } = tools;
  const stop = new AbortController();
  /** Cuts a pause short: the store is back. */
  let back = new AbortController();
  const forget = store.mirror.onReturn(() => {
    back.abort();
    back = new AbortController();
  });
  let metrics: Metrics = {};
  let latest = await measure();
  let lease = await enter();

  async function measure(): Promise<Capacity & { measured: number }> {
    const measured = clock.now();
    return { ...(await readCapacity()), measured };
  }

  async function enter(): Promise<Lease> {
    const fresh = await register(tools, latest);
    // A signal that has been aborted tells nobody any more.
    if (fresh.lost.aborted)
      throw new CloudError("unavailable", "the node's lease was lost while it registered");
    fresh.lost.addEventListener("abort", () => void enterAgain(), { once: true });
    return fresh;
  }

  async function enterAgain(): Promise<void> {
    let told = "";
    while (!stop.signal.aborted) {
      try {
        lease = await enter();
        log.info({}, "registered again");
        return;
      } catch (error) {
        if (messageOf(error) !== told) log.warn({ err: error }, "cannot register, trying again");
        told = messageOf(error);
        await clock.sleep(AGAIN_MS, AbortSignal.any([stop.signal, back.signal])).catch(() => undefined);
      }
    }
  }

  function seenNow(): Change[] {
    const record = store.mirror.get<NodeRecord>(nodeKey(node.name));
    const now = clock.now();
    if (record === undefined || now - record.value.lastseen < LASTSEEN_EVERY_S) return [];
    return [replace(record, { ...record.value, lastseen: now })];
  }

  return {
    async publish(fresh, renew) {
      metrics = { ...fresh, updated_at: clock.now() };
      const before = latest;
      const now = await measure();
      if (lease.lost.aborted) return;
      const isSame = sameCapacity(now, before) && !renew;
      const presence = isSame ? [] : [put(presenceKey(node.name), { ...now, installation }, lease)];
      try {
        await store.commit([put(metricsKey(node.name), metrics, lease), ...presence, ...seenNow()]);
        if (!isSame) latest = now;
      } catch (error) {
        // The next time is soon: the store is away, which it says itself, or somebody else has changed the record.
        if (!isKind(error, "unavailable") && !isKind(error, "conflict")) throw error;
      }
    },
    metrics: () => metrics,
    async close() {
      stop.abort();
      forget();
      await lease.release().catch((error: unknown) => {
        if (!isKind(error, "unavailable")) throw error;
      });
    },
  };
}

const sameCapacity = (one: Capacity, other: Capacity): boolean =>
  one.cpu_max === other.cpu_max &&
  one.memory_max_mib === other.memory_max_mib &&
  one.memory_available_mib === other.memory_available_mib &&
  one.disk_free_gib === other.disk_free_gib;
