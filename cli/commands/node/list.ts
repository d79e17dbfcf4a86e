// Lists the nodes of the cloud.
import { command } from "../../command.ts";

export default command({
  summary: "List the nodes (system only)",
  async run({ api, out }) {
    const columns = { name: "name", ip: "ip", lastseen: "lastseen", version: "version" };
    out.list("nodes", columns, await api.listNodes());
  },
});
