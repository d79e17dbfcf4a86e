// Removes a network from the network node and gives back what it held.
import { job } from "#runtime/define.ts";
import { endDeletion } from "#shared/networks/delete.ts";
import type { NetworkRecord } from "#shared/networks/record.ts";
import { deleteFailed, networkOfJob, removeNetwork } from "#shared/networks/steps.ts";

export default job<NetworkRecord>({
  summary: "Delete a network",
  deadline_ms: 5 * 60 * 1000,
  attempts: 3,
  preempts: true,
  subject: networkOfJob("deleting"),
  steps: [removeNetwork],
  finish: ({ cloud, subject }) => endDeletion(cloud, subject),
  undo: [],
  fail: deleteFailed,
});
