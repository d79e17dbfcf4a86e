// Lets new instances on a node again.
import { http } from "#runtime/define.ts";
import { setCordon } from "#shared/nodes/cordon.ts";
import { theNode } from "#shared/nodes/remove.ts";

export default http({
  summary: "Uncordon a node",
  access: "system",
  find: theNode,

  async run({ cloud, found }) {
    await setCordon(cloud, found.value.name, false);
    return null;
  },
});
