// Resets an instance without asking the guest.
import { http } from "#runtime/define.ts";
import { rebootHard } from "#shared/instances/act.ts";
import { instanceLock, ownerNode, theInstance } from "#shared/instances/find.ts";

export default http({
  summary: "Reset an instance",
  access: "namespace",
  find: theInstance,
  node: ownerNode,
  lock: instanceLock,

  async run({ cloud, found: { value: instance } }) {
    await rebootHard(cloud, instance);
    return null;
  },
});
