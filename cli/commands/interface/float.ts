// Gives an interface an address that is reachable from outside.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Give an interface a floating address",
  arguments: { uuid: argument("uuid of the interface") },
  async run({ api, out, args }) {
    await api.floatInterface(args.uuid);
    out.done();
  },
});
