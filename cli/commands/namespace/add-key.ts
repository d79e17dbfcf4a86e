// Adds a key to a namespace, or replaces the one of this name.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Add a key to a namespace (system only)",
  arguments: {
    namespace: argument("the namespace's name"),
    keyname: argument("a name for the key"),
    key: argument("the key itself"),
  },
  examples: ["namespace add-key alice laptop s3cret"],
  async run({ api, args }) {
    await api.addKey(args.namespace, args.keyname, args.key);
  },
});
