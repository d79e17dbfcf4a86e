// The moves an instance may make, and how each is written down.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { type Change, type Entry, replace, whenDone } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import { type InstanceRecord, type InstanceState, instanceKey } from "./record.ts";

/** States from which work goes on by itself: none of them may last for ever. */
const MOVING: readonly InstanceState[] = ["initial", "preflight", "creating"];

/** Still on its way to `created`, and wanted. */
export const isStarting = (instance: InstanceRecord): boolean =>
  !instance.doomed && MOVING.includes(instance.state);

/** Rejects with "conflict" unless the instance is in the state. */
export function requireState(instance: InstanceRecord, state: InstanceState): void {
  if (instance.state !== state) {
    throw new CloudError("conflict", `instance ${instance.uuid}: not possible while ${instance.state}`);
  }
}

/** The record in its new state, and the event that tells of it. For `error` see `inError`. */
export function inState(
  cloud: Cloud,
  entry: Entry<InstanceRecord>,
  state: InstanceState,
  also: Partial<InstanceRecord> = {},
): Change {
  const before = entry.value;
  if (before.state === state) return replace(entry, { ...before, ...also });
  const moved = { state, state_updated: cloud.clock.now() };
  const phase = `${before.state} -> ${state}`;
  return whenDone(replace(entry, { ...before, ...moved, ...also }), () =>
    cloud.events.record("instance", before.uuid, { operation: "state changed", phase }),
  );
}

/** The record in `error`, in which nothing is without a reason, and the events that tell of it. */
export const inError = (
  cloud: Cloud,
  entry: Entry<InstanceRecord>,
  reason: string,
  also: Partial<InstanceRecord>,
): Change =>
  whenDone(inState(cloud, entry, "error", { error_message: reason, ...also }), () =>
    cloud.events.record("instance", entry.value.uuid, { operation: "error message", phase: reason }),
  );

/** Moves a starting instance on; being there already is success. */
export async function enterState(cloud: Cloud, uuid: string, state: InstanceState): Promise<void> {
  await updateInstance(cloud, uuid, (entry) =>
    isStarting(entry.value) && entry.value.state !== state ? inState(cloud, entry, state) : undefined,
  );
}

/** Reads, decides, writes; no change, or no such instance, is nothing to do. */
export async function updateInstance(
  cloud: Cloud,
  uuid: string,
  decide: (entry: Entry<InstanceRecord>) => Change | undefined,
): Promise<void> {
  await transact(cloud.store, () => {
    const entry = cloud.store.mirror.get<InstanceRecord>(instanceKey(uuid));
    const change = entry === undefined ? undefined : decide(entry);
    return [change === undefined ? [] : [change], undefined];
  });
}
