// Lets a paused instance go on.
import { http } from "#runtime/define.ts";
import { unpause } from "#shared/instances/act.ts";
import { instanceLock, ownerNode, theInstance } from "#shared/instances/find.ts";

export default http({
  summary: "Unpause an instance",
  access: "namespace",
  find: theInstance,
  node: ownerNode,
  lock: instanceLock,

  async run({ cloud, found: { value: instance } }) {
    await unpause(cloud, instance);
    return null;
  },
});
