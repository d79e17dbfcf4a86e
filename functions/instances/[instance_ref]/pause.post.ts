// Stops the clock of an instance.
import { http } from "#runtime/define.ts";
import { pause } from "#shared/instances/act.ts";
import { instanceLock, ownerNode, theInstance } from "#shared/instances/find.ts";

export default http({
  summary: "Pause an instance",
  access: "namespace",
  find: theInstance,
  node: ownerNode,
  lock: instanceLock,

  async run({ cloud, found: { value: instance } }) {
    await pause(cloud, instance);
    return null;
  },
});
