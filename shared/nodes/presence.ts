// Keeps this node known: its record for good, its presence for as long as its lease lives.
import type { Clock } from "../clock.ts";
import type { NodeIdentity } from "../cloud.ts";
import { isKind } from "../errors.ts";
import type { Log } from "../log.ts";
import { type Lease, put, type Store } from "../ports/store/store.ts";
import { type NodeRecord, nodeKey, type Presence, presenceKey } from "./record.ts";

const LEASE_S = 10;
const AGAIN_MS = 1000;

export interface PresenceKeeper {
  /** Says what the node has now; written only when it is something else than before. */
  update(capacity: Presence): Promise<void>;
  /** The node leaves: its presence goes at once. */
  close(): Promise<void>;
}

/** Registers the node; after a loss of the lease it registers again until it is closed. */
export async function keepPresence(
  tools: { store: Store; clock: Clock; log: Log; node: NodeIdentity; version: string },
  capacity: Presence,
): Promise<PresenceKeeper> {
  const { store, clock, log, node, version } = tools;
  const stop = new AbortController();
  /** Cuts a pause short: the store is back. */
  let back = new AbortController();
  const forget = store.mirror.onReturn(() => {
    back.abort();
    back = new AbortController();
  });
  let latest = capacity;
  let lease = await register();

  async function register(): Promise<Lease> {
    const fresh = await store.lease(LEASE_S);
    const record: NodeRecord = { ...node, version, lastseen: clock.now() };
    await store.commit([put(nodeKey(node.name), record), put(presenceKey(node.name), latest, fresh)]);
    fresh.lost.addEventListener("abort", () => void registerAgain(), { once: true });
    return fresh;
  }

  async function registerAgain(): Promise<void> {
    for (let failures = 0; !stop.signal.aborted; failures++) {
      try {
        lease = await register();
        log.info({}, "registered again");
        return;
      } catch (error) {
        if (failures === 0) log.warn({ err: error }, "cannot register, trying again");
        await clock.sleep(AGAIN_MS, AbortSignal.any([stop.signal, back.signal])).catch(() => undefined);
      }
    }
  }

  return {
    async update(now) {
      if (JSON.stringify(now) === JSON.stringify(latest) || lease.lost.aborted) return;
      latest = now;
      await store.commit([put(presenceKey(node.name), now, lease)]);
    },
    async close() {
      stop.abort();
      forget();
      await lease.release().catch((error: unknown) => {
        if (!isKind(error, "unavailable")) throw error;
      });
    },
  };
}
