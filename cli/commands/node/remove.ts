// Removes a node that does not come back, and shows what was lost with it.
import { argument, command, flag } from "../../command.ts";
import { requireConfirmation } from "../../errors.ts";

export default command({
  summary: "Remove a node that is away for good, with its instances (system only)",
  arguments: { node: argument("its name") },
  options: { confirm: flag("--confirm", "yes, with all instances that were on it") },
  examples: ["node remove sf-2 --confirm"],
  async run({ api, out, args, options }) {
    requireConfirmation(options.confirm);
    const lost = (await api.removeNode(args.node)).map((uuid) => ({ uuid }));
    out.list("lost_instances", { "lost instance": "uuid" }, lost);
  },
});
