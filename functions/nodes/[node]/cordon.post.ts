// Keeps new instances off a node.
import { http } from "#runtime/define.ts";
import { setCordon } from "#shared/nodes/cordon.ts";
import { theNode } from "#shared/nodes/remove.ts";

export default http({
  summary: "Cordon a node",
  description:
    "It gets no new instances until it is uncordoned; a restart of the node changes nothing in that.",
  access: "system",
  find: theNode,

  async run({ cloud, found }) {
    await setCordon(cloud, found.value.name, true);
    return null;
  },
});
