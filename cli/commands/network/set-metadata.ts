// Sets one metadata key of a network.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Set a metadata key of a network",
  arguments: {
    network: argument("uuid or name"),
    key: argument("the key"),
    value: argument("its new value"),
  },
  async run({ api, out, args }) {
    await api.setMetadata("networks", args.network, args.key, args.value);
    out.done();
  },
});
