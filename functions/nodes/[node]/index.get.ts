// One node: what is promised of it, how it is, and the instances on it.
import { http } from "#runtime/define.ts";
import { NodeDetails } from "#shared/api/schemas.ts";
import { listInstancesOn } from "#shared/instances/on-node.ts";
import { theNode } from "#shared/nodes/remove.ts";
import { viewLoad, viewNode } from "#shared/nodes/view.ts";

export default http({
  summary: "Show a node",
  access: "system",
  find: theNode,
  run: ({ cloud, found: { value } }) => ({
    ...viewNode(cloud, value),
    ...viewLoad(cloud, value.name),
    instances: listInstancesOn(cloud, value.name),
  }),
  answer: NodeDetails,
});
