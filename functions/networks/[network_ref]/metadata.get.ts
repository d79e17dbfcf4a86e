// What the owner noted about a network.
import { http } from "#runtime/define.ts";
import { theNetwork } from "#shared/networks/find.ts";

export default http({
  summary: "Show a network's metadata",
  access: "namespace",
  find: theNetwork,
  run: ({ found }) => found.value.metadata,
});
