// Makes this node carry a network as it should after something joined or left it.
import { job } from "#runtime/define.ts";
import type { NetworkRecord } from "#shared/networks/record.ts";
import { networkOfJob, refreshNetwork } from "#shared/networks/steps.ts";

export default job<NetworkRecord>({
  summary: "Refresh a network",
  deadline_ms: 5 * 60 * 1000,
  attempts: 3,
  subject: networkOfJob("initial", "created"),
  steps: [refreshNetwork],
  finish: () => [],
  undo: [],
  // What stays wrong is mended by the upkeep.
  fail: () => [],
});
