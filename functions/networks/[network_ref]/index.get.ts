// One network, also when it is deleted, until its record goes.
import { http } from "#runtime/define.ts";
import { Network } from "#shared/api/schemas.ts";
import { theNetworkOrFloating } from "#shared/networks/floating.ts";
import { viewNetwork } from "#shared/networks/view.ts";

export default http({
  summary: "Show a network",
  access: "namespace",
  find: theNetworkOrFloating,
  run: ({ found }) => found.value,
  view: viewNetwork,
  answer: Network,
});
