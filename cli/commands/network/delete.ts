// Deletes a network without interfaces.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Delete a network that no instance uses",
  arguments: { network: argument("uuid or name") },
  async run({ api, out, args }) {
    await api.deleteNetwork(args.network);
    out.done();
  },
});
