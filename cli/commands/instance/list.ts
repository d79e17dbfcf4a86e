// Lists instances.
import { bool, command, flag, optionalArgument } from "../../command.ts";

const columns = {
  uuid: "uuid",
  name: "name",
  namespace: "namespace",
  cpus: "cpus",
  memory: "memory",
  hypervisor: "node",
  "power state": "power_state",
  state: "state",
};

export default command({
  summary: "List instances",
  arguments: { all: optionalArgument("true for --all (old form)", bool, false) },
  options: { all: flag("-a, --all", "also those that are deleted or in error") },
  async run({ api, out, args, options }) {
    out.list("instances", columns, await api.listInstances(args.all || options.all));
  },
});
