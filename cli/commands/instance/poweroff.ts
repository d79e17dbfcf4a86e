// Cuts an instance's power at once, without asking the guest.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Power off an instance at once",
  arguments: { instance: argument("uuid or name") },
  async run({ api, out, args }) {
    await api.actOnInstance(args.instance, "poweroff");
    out.done();
  },
});
