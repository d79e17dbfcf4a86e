// The interfaces on a network.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { NetworkInterface } from "#shared/api/schemas.ts";
import { interfacesOn } from "#shared/networks/find.ts";
import { theNetworkOrFloating } from "#shared/networks/floating.ts";
import { viewInterface } from "#shared/networks/view.ts";

export default http({
  summary: "List a network's interfaces",
  access: "namespace",
  find: theNetworkOrFloating,
  run: ({ cloud, found }) => interfacesOn(cloud, found.value.uuid),
  view: (interfaces) => interfaces.map(viewInterface),
  answer: z.array(NetworkInterface),
});
