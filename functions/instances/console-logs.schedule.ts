// Bounds what the consoles of this node's guests take of its disk.
import { schedule } from "#runtime/define.ts";
import { boundConsoles } from "#shared/instances/console-bound.ts";

export default schedule({
  summary: "Bound the consoles' logs",
  every_s: () => 60,
  deadline_ms: 60_000,
  run: ({ cloud, signal }) => boundConsoles(cloud, signal),
});
