// Sets one metadata key of a namespace.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Set a metadata key of a namespace (system only)",
  arguments: {
    namespace: argument("its name"),
    key: argument("the key"),
    value: argument("its new value"),
  },
  async run({ api, out, args }) {
    await api.setMetadata("auth/namespaces", args.namespace, args.key, args.value);
    out.done();
  },
});
