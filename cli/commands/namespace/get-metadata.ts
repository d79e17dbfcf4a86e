// Prints a namespace's metadata.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Show the metadata of a namespace (system only)",
  arguments: { namespace: argument("its name") },
  async run({ api, out, args }) {
    const metadata = await api.getMetadata("auth/namespaces", args.namespace);
    if (out.format === "json") return out.json(metadata);
    for (const [key, value] of Object.entries(metadata)) out.field(12, key, value);
  },
});
