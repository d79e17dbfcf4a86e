// Says anew what this node has to give once a guest has come, or gone.
import { on } from "#runtime/define.ts";
import { publishNode } from "#shared/instances/publish-node.ts";

export default on({
  summary: "Publish the node's capacity and metrics",
  event: "power",
  run: ({ cloud }) => publishNode(cloud),
});
