// Writes down that a guest's power changed, as soon as the hypervisor says so.
import { on } from "#runtime/define.ts";
import { settlePower } from "#shared/instances/reboot.ts";

export default on({
  summary: "Follow the power of guests",
  event: "power",
  run: ({ cloud, event }) => settlePower(cloud, event.uuid),
});
