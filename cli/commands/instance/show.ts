// Shows one instance.
import { argument, bool, command, optionalArgument } from "../../command.ts";
import { Refusal } from "../../errors.ts";
import { showInstance } from "../../show/instance.ts";

export default command({
  summary: "Show an instance",
  arguments: {
    instance: argument("uuid or name"),
    snapshots: optionalArgument("true to list its snapshots too", bool, false),
  },
  async run({ api, out, args }) {
    const instance = await api.getInstance(args.instance);
    if (instance === null) throw new Refusal("Instance not found");
    await showInstance(api, out, instance, args.snapshots);
  },
});
