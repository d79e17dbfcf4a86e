// Says what this node has to give and how it is.
import { schedule } from "#runtime/define.ts";
import { publishNode } from "#shared/instances/publish-node.ts";

export default schedule({
  summary: "Publish the node's capacity and metrics",
  every_s: (cloud) => cloud.config.SCHEDULER_CACHE_TIMEOUT,
  deadline_ms: 15_000,
  run: ({ cloud }) => publishNode(cloud),
});
