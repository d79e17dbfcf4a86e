// One network, also when it is deleted, until its record goes.
import { http } from "#runtime/define.ts";
import { theNetwork } from "#shared/networks/find.ts";
import { viewNetwork } from "#shared/networks/view.ts";

export default http({
  summary: "Show a network",
  access: "namespace",
  find: theNetwork,
  run: ({ found }) => found.value,
  view: viewNetwork,
});
