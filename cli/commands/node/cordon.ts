// Keeps new instances off a node.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Keep new instances off a node (system only)",
  arguments: { node: argument("its name") },
  async run({ api, out, args }) {
    await api.cordonNode(args.node);
    out.done();
  },
});
