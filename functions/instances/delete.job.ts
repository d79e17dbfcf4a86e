// Takes an instance away: a start that is under way ends first.
import { job } from "#runtime/define.ts";
import { type InstanceRecord, instanceKey } from "#shared/instances/record.ts";
import { deleteDisks, deleteDomain, failed, gone } from "#shared/instances/release.ts";

export default job<InstanceRecord>({
  summary: "Delete an instance",
  deadline_ms: 10 * 60 * 1000,
  attempts: 3,
  preempts: true,

  subject(cloud, { subject }) {
    const entry = cloud.store.mirror.get<InstanceRecord>(instanceKey(subject.uuid));
    return entry === undefined || entry.value.state === "deleted" ? undefined : entry;
  },
  steps: [deleteDomain, deleteDisks],
  finish: gone,
  undo: [],
  fail: (context, reason) => failed(context, `could not be deleted: ${reason}`, false),
});
