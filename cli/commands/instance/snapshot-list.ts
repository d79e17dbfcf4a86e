// Lists the snapshots of an instance, a row for each disk.
import { argument, command } from "../../command.ts";
import { localTime, pythonText } from "../../python.ts";

const columns = {
  uuid: "uuid",
  device: "device",
  created: ["created", (value: unknown) => localTime(Number(value))],
  state: "state",
  progress: ["progress", (value: unknown) => (typeof value === "number" ? `${value}%` : pythonText(value))],
  size: "size",
} as const;

export default command({
  summary: "List the snapshots of an instance",
  arguments: { instance: argument("uuid or name") },
  async run({ api, out, args }) {
    out.list("snapshots", columns, await api.listSnapshots(args.instance));
  },
});
