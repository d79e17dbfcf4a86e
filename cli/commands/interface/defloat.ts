// Takes an interface's floating address away.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Take an interface's floating address away",
  arguments: { uuid: argument("uuid of the interface") },
  async run({ api, out, args }) {
    await api.defloatInterface(args.uuid);
    out.done();
  },
});
