// Deletes a namespace that has no instances and no networks left.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Delete an empty namespace (system only)",
  arguments: { namespace: argument("its name") },
  async run({ api, args }) {
    await api.deleteNamespace(args.namespace);
  },
});
