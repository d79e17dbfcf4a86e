// What happened to a network.
import { http } from "#runtime/define.ts";
import { listEvents } from "#shared/events/list.ts";
import { theNetwork } from "#shared/networks/find.ts";

export default http({
  summary: "List a network's events",
  access: "namespace",
  find: theNetwork,
  run: ({ cloud, found }) => listEvents(cloud, "network", found.value.uuid),
});
