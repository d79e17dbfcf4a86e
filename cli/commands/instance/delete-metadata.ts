// Deletes one metadata key of an instance.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Delete a metadata key of an instance",
  arguments: { instance: argument("uuid or name"), key: argument("the key") },
  async run({ api, out, args }) {
    await api.deleteMetadata("instances", args.instance, args.key);
    out.done();
  },
});
