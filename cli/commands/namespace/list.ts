// Lists the namespaces.
import { command } from "../../command.ts";

export default command({
  summary: "List the namespaces (system only)",
  async run({ api, out }) {
    const names = await api.listNamespaces();
    if (out.format === "json") return out.compactJson(names);
    out.table(
      { namespace: "name" },
      names.map((name) => ({ name })),
    );
  },
});
