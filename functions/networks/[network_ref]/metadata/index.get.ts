// What is noted about a network.
import { http } from "#runtime/define.ts";
import { Metadata } from "#shared/api/schemas.ts";
import { theNetwork } from "#shared/networks/find.ts";

export default http({
  summary: "Show a network's metadata",
  access: "namespace",
  find: theNetwork,
  answer: Metadata,
  run: ({ found }) => found.value.metadata,
});
