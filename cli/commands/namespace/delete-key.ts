// Deletes a key; tokens got with it end as well.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Delete a key of a namespace (system only)",
  arguments: { namespace: argument("the namespace's name"), keyname: argument("the key's name") },
  async run({ api, args }) {
    await api.deleteKey(args.namespace, args.keyname);
  },
});
