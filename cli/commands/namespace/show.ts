// Shows a namespace: the names of its keys, and its metadata.
import { argument, command } from "../../command.ts";
import { Refusal } from "../../errors.ts";

export default command({
  summary: "Show a namespace (system only)",
  arguments: { namespace: argument("its name") },
  async run({ api, out, args: { namespace } }) {
    if (!(await api.listNamespaces()).includes(namespace)) throw new Refusal("Namespace not found");
    const key_names = await api.listKeys(namespace);
    const metadata = await api.getMetadata("auth/namespaces", namespace);
    if (out.format === "json") return out.json({ key_names, metadata });
    if (out.format === "simple") {
      out.row("metadata", "keyname");
      for (const name of key_names) out.row("keyname", name);
      out.row("metadata", "key", "value");
      for (const [key, value] of Object.entries(metadata)) out.row("metadata", key, value);
      return;
    }
    out.line("Key Names:");
    for (const name of key_names) out.line(`    ${name}`);
    out.line("Metadata:");
    const width = Math.max(0, ...Object.keys(metadata).map((key) => key.length));
    for (const [key, value] of Object.entries(metadata)) out.indentedField(width, key, value);
  },
});
