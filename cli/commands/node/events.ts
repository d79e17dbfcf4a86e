// Lists what happened to a node.
import { argument, command } from "../../command.ts";
import { eventColumns } from "../../show/events.ts";

export default command({
  summary: "List a node's events (system only)",
  arguments: { node: argument("its name") },
  async run({ api, out, args }) {
    out.list("events", eventColumns, await api.listNodeEvents(args.node));
  },
});
