// Restarts an instance: by asking the guest, or by its reset button.
import { argument, command, flag } from "../../command.ts";
import { UsageError } from "../../errors.ts";

export default command({
  summary: "Reboot an instance",
  arguments: { instance: argument("uuid or name") },
  options: {
    hard: flag("--hard", "reset it without asking the guest"),
    soft: flag("--soft", "ask the guest (default)"),
  },
  async run({ api, out, args, options }) {
    if (options.hard && options.soft) throw new UsageError("--hard and --soft exclude each other");
    await api.actOnInstance(args.instance, options.hard ? "reboothard" : "rebootsoft");
    out.done();
  },
});
