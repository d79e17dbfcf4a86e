// Asks the guest to reboot.
import { http } from "#runtime/define.ts";
import { rebootSoft } from "#shared/instances/act.ts";
import { instanceLock, ownerNode, theInstance } from "#shared/instances/find.ts";

export default http({
  summary: "Reboot an instance",
  access: "namespace",
  find: theInstance,
  node: ownerNode,
  lock: instanceLock,

  async run({ cloud, found: { value: instance } }) {
    await rebootSoft(cloud, instance);
    return null;
  },
});
