// Lists the locks that are held now.
import { command } from "../../../command.ts";

export default command({
  summary: "List the locks that are held (system only)",
  async run({ api, out }) {
    const locks = await api.listLocks();
    if (out.format === "json") return out.compactJson(locks);
    const rows = Object.entries(locks).map(([lock, holder]) => ({ ...holder, lock }));
    out.table({ lock: "lock", pid: "pid", node: "node", operation: "operation" }, rows);
  },
});
