// Brings an instance up on its node.
import { job } from "#runtime/define.ts";
import { type InstanceRecord, instanceKey } from "#shared/instances/record.ts";
import { deleteDisks, deleteDomain, failed } from "#shared/instances/release.ts";
import {
  createDisks,
  createDomain,
  ensureNetworksExist,
  fetchImages,
  makeConfigDrive,
  started,
} from "#shared/instances/start.ts";
import { isStarting } from "#shared/instances/states.ts";

export default job<InstanceRecord>({
  summary: "Start an instance",
  deadline_ms: 2 * 3600 * 1000,
  attempts: 3,

  subject(cloud, { subject }) {
    const entry = cloud.store.mirror.get<InstanceRecord>(instanceKey(subject.uuid));
    return entry !== undefined && isStarting(entry.value) ? entry : undefined;
  },
  steps: [fetchImages, makeConfigDrive, createDisks, ensureNetworksExist, createDomain],
  waits: [fetchImages],
  finish: started,
  undo: [deleteDomain, deleteDisks],
  fail: failed,
});
