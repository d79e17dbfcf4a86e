// Lists what happened to a network. In JSON under "events", and under "networks" for scripts that know the old name.
import { argument, command } from "../../command.ts";
import { pick } from "../../output.ts";
import { eventColumns, eventFields } from "../../show/events.ts";

export default command({
  summary: "List the events of a network",
  arguments: { network: argument("uuid or name") },
  async run({ api, out, args }) {
    const events = await api.listEvents("networks", args.network);
    if (out.format !== "json") return out.table(eventColumns, events);
    const rows = events.map((event) => pick(event, eventFields));
    out.json({ events: rows, networks: rows });
  },
});
