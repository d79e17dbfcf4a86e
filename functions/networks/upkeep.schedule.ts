// Compares what this node carries with what it should, and mends the difference.
import { schedule } from "#runtime/define.ts";
import { keepNetworks } from "#shared/networks/upkeep.ts";

export default schedule({
  summary: "Mend networks",
  // What was damaged is mended within 30 s.
  every_s: () => 25,
  deadline_ms: 60_000,
  run: ({ cloud, signal }) => keepNetworks(cloud, signal),
});
