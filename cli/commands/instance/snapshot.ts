// Takes a snapshot of an instance's first disk, or of all.
import { argument, bool, command, flag, optionalArgument } from "../../command.ts";

export default command({
  summary: "Snapshot an instance's disks",
  arguments: {
    instance: argument("uuid or name"),
    all: optionalArgument("true for --all (old form)", bool, false),
  },
  options: { all: flag("-a, --all", "every disk, not only the first") },
  async run({ api, out, args, options }) {
    const uuid = await api.snapshotInstance(args.instance, args.all || options.all);
    if (out.format === "json") out.json({ uuid });
    else out.line(`Created snapshot ${uuid}`);
  },
});
