// Makes a new network on the network node.
import { job } from "#runtime/define.ts";
import type { NetworkRecord } from "#shared/networks/record.ts";
import {
  deployed,
  deployFailed,
  deployNetwork,
  networkOfJob,
  removeNetwork,
} from "#shared/networks/steps.ts";

export default job<NetworkRecord>({
  summary: "Deploy a network",
  deadline_ms: 5 * 60 * 1000,
  attempts: 3,
  subject: networkOfJob("initial"),
  steps: [deployNetwork],
  finish: deployed,
  undo: [removeNetwork],
  fail: deployFailed,
});
