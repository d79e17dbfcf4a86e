// The nodes of the cloud.
import { http } from "#runtime/define.ts";
import { listNodes } from "#shared/nodes/view.ts";

export default http({
  summary: "List the nodes",
  access: "system",
  run: ({ cloud }) => listNodes(cloud),
});
