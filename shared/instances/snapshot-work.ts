// A snapshot under way: what ends it early, and how far it has come, as its record and its instance's events tell.
import type { Cloud } from "../cloud.ts";
import { openDeadline } from "../deadline.ts";
import { CloudError } from "../errors.ts";
import { replace } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import { INSTANCES, type InstanceRecord, instanceKey } from "./record.ts";
import { type SnapshotRecord, snapshotKey, snapshotPrefix } from "./snapshot-record.ts";
import { requireState } from "./states.ts";

const STEP_PERCENT = 10;
const STEP_S = 5;

export interface Work {
  readonly instance: string;
  readonly snapshot: string;
  /** Aborted when it is not wanted any more or takes too long; the reason is what its caller is told. */
  readonly signal: AbortSignal;
  /** Told as often as one likes. */
  progress(percent: number): Promise<void>;
}

/** Runs `make` for as long as the snapshot is wanted. */
export async function whileWanted(
  cloud: Cloud,
  { instance, uuid }: { instance: string; uuid: string },
  lost: AbortSignal,
  make: (work: Work) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const seconds = cloud.config.SNAPSHOT_TIMEOUT;
  const late = new CloudError("unavailable", `not done after ${seconds} s (SNAPSHOT_TIMEOUT)`);
  const deadline = openDeadline(seconds * 1000);
  const onDeadline = () => stop.abort(late);
  const onLost = () => stop.abort(new CloudError("unavailable", "its lock was lost, as the store was away"));
  const look = () => {
    const reason = unwanted(cloud, instance, uuid);
    if (reason !== undefined) stop.abort(reason);
  };
  const unwatch = [snapshotPrefix(instance), INSTANCES].map((each) => cloud.store.mirror.watch(each, look));
  deadline.signal.addEventListener("abort", onDeadline);
  lost.addEventListener("abort", onLost);
  try {
    look();
    stop.signal.throwIfAborted();
    await make({ instance, snapshot: uuid, signal: stop.signal, progress: teller(cloud, instance, uuid) });
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    deadline.clear();
    lost.removeEventListener("abort", onLost);
    for (const each of unwatch) each();
  }
}

function unwanted({ store }: Cloud, instance: string, uuid: string): CloudError | undefined {
  try {
    requireCreated(store.mirror.get<InstanceRecord>(instanceKey(instance))?.value);
  } catch (error) {
    return error as CloudError;
  }
  const state = store.mirror.get<SnapshotRecord>(snapshotKey(instance, uuid))?.value.state;
  return state === "creating" ? undefined : new CloudError("conflict", "it was deleted meanwhile");
}

/** Rejects unless it is there to stay. */
export function requireCreated(instance: InstanceRecord | undefined): InstanceRecord {
  if (instance === undefined) throw new CloudError("not_found", "instance not found");
  requireState(instance, "created");
  if (instance.doomed) throw new CloudError("conflict", `instance ${instance.uuid}: is being deleted`);
  return instance;
}

/** Writes every ten percent, or what has changed after five seconds. */
function teller(cloud: Cloud, instance: string, uuid: string): Work["progress"] {
  let told = { percent: 0, at: cloud.clock.now() };
  return async function tell(percent) {
    const now = cloud.clock.now();
    const isLittle = percent - told.percent < STEP_PERCENT && now - told.at < STEP_S;
    if (percent <= told.percent || percent >= 100 || isLittle) return;
    told = { percent, at: now };
    const message = `${uuid} ${percent} %`;
    cloud.events.record("instance", instance, { operation: "snapshot", phase: "progress", message });
    await transact<void>(cloud.store, () => {
      const entry = cloud.store.mirror.get<SnapshotRecord>(snapshotKey(instance, uuid));
      if (entry?.value.state !== "creating") return [[], undefined];
      return [[replace(entry, { ...entry.value, progress: percent })], undefined];
    });
  };
}
