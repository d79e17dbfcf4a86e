// Reads the power of all guests once the hypervisor is back: nobody told of changes meanwhile.
import { on } from "#runtime/define.ts";
import { reconcilePower } from "#shared/instances/reboot.ts";

export default on({
  summary: "Catch up with the power of guests",
  event: "hypervisor-back",
  run: ({ cloud }) => reconcilePower(cloud),
});
