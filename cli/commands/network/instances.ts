// Lists the instances on a network, one line an interface.
import { argument, command } from "../../command.ts";

export default command({
  summary: "List the instances on a network",
  arguments: { network: argument("uuid or name") },
  async run({ api, out, args }) {
    const nics = await api.listInterfaces("networks", args.network);
    out.list("instances", { instance_uuid: "instance_uuid", ipv4: "ipv4", floating: "floating" }, nics);
  },
});
