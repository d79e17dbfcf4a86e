// Makes a namespace; one that exists stays as it is.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Create a namespace (system only)",
  arguments: { namespace: argument("its name") },
  examples: ["namespace create alice", "namespace add-key alice laptop s3cret"],
  async run({ api, args }) {
    await api.createNamespace(args.namespace);
  },
});
