// Shows one node: what is promised of it, its gauges, and the instances on it.
import { argument, command } from "../../command.ts";
import { showNode } from "../../show/node.ts";

export default command({
  summary: "Show a node (system only)",
  arguments: { node: argument("its name") },
  async run({ api, out, args }) {
    showNode(out, await api.getNode(args.node));
  },
});
