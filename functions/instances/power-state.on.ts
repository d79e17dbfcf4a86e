// Writes down that a guest's power changed, as soon as the hypervisor says so.
import { on } from "#runtime/define.ts";
import { observePower } from "#shared/instances/power.ts";

export default on({
  summary: "Follow the power of guests",
  event: "power",
  run: ({ cloud, event }) => observePower(cloud, event.uuid, event.power),
});
