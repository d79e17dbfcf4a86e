// Stops an instance's CPUs; its memory stays.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Pause an instance",
  arguments: { instance: argument("uuid or name") },
  async run({ api, out, args }) {
    await api.actOnInstance(args.instance, "pause");
    out.done();
  },
});
