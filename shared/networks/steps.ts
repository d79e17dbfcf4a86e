// What the jobs of a network do.
import type { Cloud, NewEvent } from "../cloud.ts";
import type { JobContext, JobRecord } from "../jobs.ts";
import { type Change, type Entry, replace, whenDone } from "../ports/store/store.ts";
import { convergeNetwork } from "./converge.ts";
import { inState } from "./delete.ts";
import { type NetworkRecord, type NetworkState, networkKey } from "./record.ts";

type Context = JobContext<NetworkRecord>;

/** The network of a job while it is in one of the states. */
export const networkOfJob =
  (...states: NetworkState[]) =>
  (cloud: Cloud, { subject }: JobRecord): Entry<NetworkRecord> | undefined => {
    const entry = cloud.store.mirror.get<NetworkRecord>(networkKey(subject.uuid));
    return entry !== undefined && states.includes(entry.value.state) ? entry : undefined;
  };

export async function deployNetwork({ cloud, subject }: Context): Promise<void> {
  await convergeNetwork(cloud, subject.value.uuid);
}

export function removeNetwork({ cloud, subject }: Context): Promise<void> {
  const { uuid, vxid } = subject.value;
  return cloud.mutex.run(`network/${uuid}`, () => cloud.network.remove({ uuid, vxid }));
}

export function deployed({ cloud, subject }: Context): Change[] {
  const change = replace(subject, inState(cloud, subject.value, "created"));
  return [whenDone(change, () => tell(cloud, subject, { operation: "api", phase: "created" }))];
}

/** What it holds is given back when it is deleted. */
export const deployFailed = (context: Context, reason: string): Change[] =>
  failed(context, `could not be deployed: ${reason}`);

export const deleteFailed = (context: Context, reason: string): Change[] =>
  failed(context, `could not be deleted: ${reason}`);

function failed({ cloud, subject }: Context, reason: string): Change[] {
  const change = replace(subject, { ...inState(cloud, subject.value, "error"), error_message: reason });
  return [whenDone(change, () => tell(cloud, subject, { operation: "error message", phase: reason }))];
}

const tell = (cloud: Cloud, { value }: Entry<NetworkRecord>, event: NewEvent): void =>
  cloud.events.record("network", value.uuid, event);
