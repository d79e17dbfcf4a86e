// Deletes a snapshot of an instance; one that is still being made is ended.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Delete a snapshot",
  arguments: { instance: argument("uuid or name"), snapshot: argument("uuid of the snapshot") },
  async run({ api, out, args }) {
    await api.deleteSnapshot(args.instance, args.snapshot);
    out.done();
  },
});
