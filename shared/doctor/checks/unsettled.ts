// Instances and networks that are on their way with nobody at it: they would stay so for ever.
import type { Cloud } from "../../cloud.ts";
import { INSTANCES, type InstanceRecord } from "../../instances/record.ts";
import { isStarting } from "../../instances/states.ts";
import { enqueue, type JobRecord, type JobSubject } from "../../jobs.ts";
import { NETWORKS, type NetworkRecord } from "../../networks/record.ts";
import { nameOfNetworkNode } from "../../nodes/network-node.ts";
import { type Entry, check as unchanged } from "../../ports/store/store.ts";
import { check, type Found } from "../check.ts";

export const unsettled = check({
  name: "unsettled",
  summary: "Every instance and network that is being made or deleted has its job",
  scope: "cloud",
  reads_store: true,
  routine: true,

  find(cloud) {
    const jobs = cloud.store.mirror.list<JobRecord>("job/").map(({ value }) => value.subject.uuid);
    const busy = new Set(jobs);
    return [...findInstances(cloud), ...findNetworks(cloud)].flatMap((each) =>
      busy.has(each.uuid) ? [] : [foundOf(cloud, each)],
    );
  },
});

/** What a job would be needed for. */
interface Moving {
  entry: Entry;
  type: JobSubject["type"];
  uuid: string;
  state: string;
  node: string | undefined;
  kind: string;
}

function findInstances(cloud: Cloud): Moving[] {
  return cloud.store.mirror.list<InstanceRecord>(INSTANCES).flatMap((entry): Moving[] => {
    const { uuid, node, state, doomed } = entry.value;
    const moving = { entry, uuid, node, type: "instance" as const };
    if (doomed && state !== "deleted" && state !== "error")
      return [{ ...moving, state: "to be deleted", kind: "instances/delete" }];
    return isStarting(entry.value) ? [{ ...moving, state, kind: "instances/start" }] : [];
  });
}

function findNetworks(cloud: Cloud): Moving[] {
  const node = nameOfNetworkNode(cloud);
  const kinds: Record<string, string> = { initial: "networks/deploy", deleting: "networks/delete" };
  return cloud.store.mirror.list<NetworkRecord>(NETWORKS).flatMap((entry): Moving[] => {
    const { uuid, state } = entry.value;
    const kind = kinds[state];
    return kind === undefined ? [] : [{ entry, uuid, node, state, kind, type: "network" }];
  });
}

function foundOf(cloud: Cloud, { entry, type, uuid, state, node, kind }: Moving): Found {
  const mend = `sf-client ${type} delete ${uuid}`;
  const found = { subject: `${type} ${uuid}`, problem: `is ${state}, and no job is at it`, mend };
  if (node === undefined) return found;
  const fix = async () => {
    await cloud.store.commit([unchanged(entry), enqueue(cloud, node, kind, { type, uuid })]);
  };
  return { ...found, fix };
}
