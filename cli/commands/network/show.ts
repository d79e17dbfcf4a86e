// Shows one network.
import { argument, command } from "../../command.ts";
import { Refusal } from "../../errors.ts";
import { showNetwork } from "../../show/network.ts";

export default command({
  summary: "Show a network",
  arguments: { network: argument("uuid or name") },
  async run({ api, out, args }) {
    const network = await api.getNetwork(args.network);
    if (network === null) throw new Refusal("Network not found");
    await showNetwork(api, out, network);
  },
});
