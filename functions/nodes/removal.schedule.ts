// Ends removals of nodes that were left half done.
import { schedule } from "#runtime/define.ts";
import { endRemovals } from "#shared/instances/remove-node.ts";

export default schedule({
  summary: "End removals of nodes",
  every_s: () => 30,
  deadline_ms: 60_000,
  run: ({ cloud }) => endRemovals(cloud),
});
