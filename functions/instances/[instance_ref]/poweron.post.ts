// Starts an instance that is off.
import { http } from "#runtime/define.ts";
import { powerOn } from "#shared/instances/act.ts";
import { instanceLock, ownerNode, theInstance } from "#shared/instances/find.ts";

export default http({
  summary: "Power on an instance",
  access: "namespace",
  find: theInstance,
  node: ownerNode,
  lock: instanceLock,

  async run({ cloud, found: { value: instance } }) {
    await powerOn(cloud, instance);
    return true;
  },
});
