// Deletes one metadata key of a network.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Delete a metadata key of a network",
  arguments: { network: argument("uuid or name"), key: argument("the key") },
  async run({ api, out, args }) {
    await api.deleteMetadata("networks", args.network, args.key);
    out.done();
  },
});
