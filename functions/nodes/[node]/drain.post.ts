// Keeps new instances off a node, and says which must still go.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { NodeInstance } from "#shared/api/schemas.ts";
import { listInstancesOn } from "#shared/instances/on-node.ts";
import { setCordon } from "#shared/nodes/cordon.ts";
import { theNode } from "#shared/nodes/remove.ts";

export default http({
  summary: "Drain a node",
  description:
    "Cordons it and answers the instances that are left on it. None is moved: delete them, and make them anew elsewhere.",
  access: "system",
  find: theNode,

  async run({ cloud, found }) {
    await setCordon(cloud, found.value.name, true);
    return listInstancesOn(cloud, found.value.name);
  },
  answer: z.array(NodeInstance),
});
