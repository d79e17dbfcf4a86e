// Gives an interface a floating address, which works when this answers. Once more changes nothing.
import { http } from "#runtime/define.ts";
import { theInterface } from "#shared/instances/interfaces.ts";
import { floatInterface } from "#shared/networks/float.ts";
import { networkNode } from "#shared/nodes/network-node.ts";

export default http({
  summary: "Float an interface",
  description: "The network needs no NAT for it. An interface that has an address keeps it.",
  access: "namespace",
  find: theInterface,
  node: (_, cloud) => networkNode(cloud),

  async run({ cloud, found }) {
    await floatInterface(cloud, found.value.uuid);
    return null;
  },
});
