// Deletes every instance of a namespace.
import { command, flag, value } from "../../command.ts";
import { deleteInstances } from "../../delete-instances.ts";
import { requireConfirmation } from "../../errors.ts";

export default command({
  summary: "Delete all instances of a namespace",
  options: {
    confirm: flag("--confirm", "yes, all of them"),
    namespace: value("--namespace <namespace>", "whose; the system namespace must say"),
  },
  async run({ api, out, options }) {
    requireConfirmation(options.confirm);
    await deleteInstances(api, out, options.namespace);
  },
});
