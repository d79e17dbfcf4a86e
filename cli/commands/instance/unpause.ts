// Lets a paused instance go on.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Let a paused instance go on",
  arguments: { instance: argument("uuid or name") },
  async run({ api, out, args }) {
    await api.actOnInstance(args.instance, "unpause");
    out.done();
  },
});
