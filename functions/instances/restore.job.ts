// Brings a guest back as it was before its host restarted: running, or standing still.
import { job } from "#runtime/define.ts";
import { type InstanceRecord, instanceKey } from "#shared/instances/record.ts";
import {
  checkDisks,
  cutPower,
  ensureConfigDrive,
  isToRun,
  notRestored,
  restore,
} from "#shared/instances/restore.ts";
import { ensureNetworksExist } from "#shared/instances/start.ts";

export default job<InstanceRecord>({
  summary: "Bring an instance back",
  deadline_ms: 3600 * 1000,
  attempts: 10,

  subject(cloud, { subject }) {
    const entry = cloud.store.mirror.get<InstanceRecord>(instanceKey(subject.uuid));
    return entry !== undefined && isToRun(entry.value) ? entry : undefined;
  },
  steps: [checkDisks, ensureNetworksExist, ensureConfigDrive, restore],
  // The record says already what is true now.
  finish: () => [],
  undo: [cutPower],
  fail: notRestored,
});
