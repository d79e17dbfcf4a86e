// Keeps etcd from growing with each change.
import { schedule } from "#runtime/define.ts";
import { COMPACT_EVERY_S, compactStore } from "#shared/nodes/compaction.ts";

export default schedule({
  summary: "Compact the store",
  // More often than that is done: the node that does it may be another now.
  every_s: () => COMPACT_EVERY_S / 6,
  deadline_ms: 60_000,
  run: ({ cloud }) => compactStore(cloud),
});
