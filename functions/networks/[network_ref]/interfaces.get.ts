// The interfaces on a network.
import { http } from "#runtime/define.ts";
import { interfacesOn, theNetwork } from "#shared/networks/find.ts";
import { viewInterface } from "#shared/networks/view.ts";

export default http({
  summary: "List a network's interfaces",
  access: "namespace",
  find: theNetwork,
  run: ({ cloud, found }) => interfacesOn(cloud, found.value.uuid),
  view: (interfaces) => interfaces.map(viewInterface),
});
