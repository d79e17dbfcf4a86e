// Lists what happened to an instance.
import { argument, command } from "../../command.ts";
import { eventColumns } from "../../show/events.ts";

export default command({
  summary: "List the events of an instance",
  arguments: { instance: argument("uuid or name") },
  async run({ api, out, args }) {
    out.list("events", eventColumns, await api.listEvents("instances", args.instance));
  },
});
