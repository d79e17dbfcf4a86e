// Notes that a guest has rebooted as it was asked to.
import { on } from "#runtime/define.ts";
import { noteRebooted } from "#shared/instances/reboot.ts";

export default on({
  summary: "Notice reboots that were asked for",
  event: "reboot",
  run: ({ cloud, event }) => noteRebooted(cloud, event.uuid),
});
