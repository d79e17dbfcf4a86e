// Takes an interface's floating address away, which leads nowhere when this answers.
import { http } from "#runtime/define.ts";
import { theInterface } from "#shared/instances/interfaces.ts";
import { defloatInterface } from "#shared/networks/float.ts";
import { networkNode } from "#shared/nodes/network-node.ts";

export default http({
  summary: "Defloat an interface",
  access: "namespace",
  find: theInterface,
  node: (_, cloud) => networkNode(cloud),

  async run({ cloud, found }) {
    await defloatInterface(cloud, found.value.uuid);
    return null;
  },
});
