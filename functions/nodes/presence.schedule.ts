// Notes in a node's history that it has gone away, or is back.
import { schedule } from "#runtime/define.ts";
import { tellPresence } from "#shared/nodes/away.ts";

export default schedule({
  summary: "Notice nodes that leave and return",
  every_s: () => 5,
  deadline_ms: 10_000,
  run: ({ cloud }) => tellPresence(cloud),
});
