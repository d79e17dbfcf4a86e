// Makes a network. Old scripts give the block first, newer ones the name: the one with "/" and digits is the block.
import { argument, command, toggle, value } from "../../command.ts";
import { showNetwork } from "../../show/network.ts";

export default command({
  summary: "Create a network",
  arguments: {
    name: argument("a name for it"),
    netblock: argument("its addresses, such as 10.0.0.0/24; may come first"),
  },
  options: {
    dhcp: toggle("--dhcp", "serve addresses by DHCP (default: on)"),
    nat: toggle("--nat", "let guests reach the outside (default: on)"),
    namespace: value("--namespace <namespace>", "whose it will be (system only)"),
  },
  examples: ["network create mynet 10.0.0.0/24", "network create lab 192.168.7.0/24 --no-nat"],
  async run({ api, out, args, options }) {
    const isSwapped = isBlock(args.name) && !isBlock(args.netblock);
    const request = {
      name: isSwapped ? args.netblock : args.name,
      netblock: isSwapped ? args.name : args.netblock,
      provide_dhcp: options.dhcp,
      provide_nat: options.nat,
      namespace: options.namespace,
    };
    await showNetwork(api, out, await api.createNetwork(request));
  },
});

function isBlock(text: string): boolean {
  return /^[\d.]+\/\d+$/.test(text);
}
