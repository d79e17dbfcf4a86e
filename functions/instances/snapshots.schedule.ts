// Ends what a process that died left of its snapshots: a guest that stands still goes on first.
import { schedule } from "#runtime/define.ts";
import { settleLeftWork } from "#shared/instances/snapshot-files.ts";

export default schedule({
  summary: "Settle unfinished snapshots",
  every_s: () => 10,
  deadline_ms: 60_000,
  run: ({ cloud }) => settleLeftWork(cloud),
});
