// Cuts an instance's power at once, without asking the guest.
import { http } from "#runtime/define.ts";
import { powerOff } from "#shared/instances/act.ts";
import { instanceLock, ownerNode, theInstance } from "#shared/instances/find.ts";

export default http({
  summary: "Power off an instance",
  access: "namespace",
  find: theInstance,
  node: ownerNode,
  lock: instanceLock,

  async run({ cloud, found: { value: instance } }) {
    await powerOff(cloud, instance);
    return null;
  },
});
