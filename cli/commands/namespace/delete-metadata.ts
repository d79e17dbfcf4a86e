// Deletes one metadata key of a namespace.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Delete a metadata key of a namespace (system only)",
  arguments: { namespace: argument("its name"), key: argument("the key") },
  async run({ api, out, args }) {
    await api.deleteMetadata("auth/namespaces", args.namespace, args.key);
    out.done();
  },
});
