// Sets one metadata key of an instance.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Set a metadata key of an instance",
  arguments: {
    instance: argument("uuid or name"),
    key: argument("the key"),
    value: argument("its new value"),
  },
  async run({ api, out, args }) {
    await api.setMetadata("instances", args.instance, args.key, args.value);
    out.done();
  },
});
