// Lets new instances on a node again.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Let new instances on a node again (system only)",
  arguments: { node: argument("its name") },
  async run({ api, out, args }) {
    await api.uncordonNode(args.node);
    out.done();
  },
});
