// Deletes every network of a namespace that no instance uses.
import { command, flag, value } from "../../command.ts";
import { requireConfirmation } from "../../errors.ts";

export default command({
  summary: "Delete all networks of a namespace",
  options: {
    confirm: flag("--confirm", "yes, all of them"),
    namespace: value("--namespace <namespace>", "whose; the system namespace must say"),
  },
  async run({ api, options }) {
    requireConfirmation(options.confirm);
    await api.deleteAllNetworks(options.namespace);
  },
});
