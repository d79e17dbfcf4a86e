// Deletes every instance and then every network of a namespace.
import { command, flag, value } from "../../command.ts";
import { deleteInstances } from "../../delete-instances.ts";
import { requireConfirmation } from "../../errors.ts";

export default command({
  summary: "Delete all instances and networks of a namespace",
  options: {
    confirm: flag("--confirm", "yes, all of them"),
    namespace: value("--namespace <namespace>", "whose; the system namespace must say"),
  },
  examples: ["namespace clean --confirm --namespace alice"],
  async run({ api, out, options }) {
    requireConfirmation(options.confirm);
    await deleteInstances(api, out, options.namespace);
    await api.deleteAllNetworks(options.namespace);
  },
});
