// Starts an instance that is off.
import { z } from "zod";
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
  answer: z.literal(true),
});
