// Lists networks.
import { bool, command, flag, optionalArgument } from "../../command.ts";

export default command({
  summary: "List networks",
  arguments: { all: optionalArgument("true for --all (old form)", bool, false) },
  options: { all: flag("-a, --all", "also those that are deleted or in error") },
  async run({ api, out, args, options }) {
    const networks = await api.listNetworks(args.all || options.all);
    const columns = { uuid: "uuid", name: "name", namespace: "namespace", netblock: "netblock" };
    out.list("networks", columns, networks);
  },
});
