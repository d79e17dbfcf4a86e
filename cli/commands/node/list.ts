// Lists the nodes of the cloud.
import { command } from "../../command.ts";
import { nodeColumns } from "../../show/node.ts";

export default command({
  summary: "List the nodes (system only)",
  async run({ api, out }) {
    out.list("nodes", nodeColumns, await api.listNodes());
  },
});
