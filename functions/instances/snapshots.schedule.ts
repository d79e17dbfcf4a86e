// Ends what a process that died left of its snapshots: copies that QEMU still makes, files and records.
import { schedule } from "#runtime/define.ts";
import { settleAllSnapshots } from "#shared/instances/snapshot-settle.ts";

export default schedule({
  summary: "Settle unfinished snapshots",
  every_s: () => 10,
  deadline_ms: 60_000,
  run: ({ cloud }) => settleAllSnapshots(cloud),
});
