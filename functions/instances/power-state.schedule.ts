// Compares the power of all guests of this node with their records: the safety net below the events.
import { schedule } from "#runtime/define.ts";
import { reconcilePower } from "#shared/instances/reboot.ts";

export default schedule({
  summary: "Reconcile the power of guests",
  every_s: () => 60,
  deadline_ms: 30_000,
  run: ({ cloud }) => reconcilePower(cloud),
});
