// Powers an instance on.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Power on an instance",
  arguments: { instance: argument("uuid or name") },
  async run({ api, out, args }) {
    await api.actOnInstance(args.instance, "poweron");
    out.done();
  },
});
