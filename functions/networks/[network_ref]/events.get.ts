// What happened to a network.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { Event } from "#shared/api/schemas.ts";
import { listEvents } from "#shared/events/list.ts";
import { theNetworkOrFloating } from "#shared/networks/floating.ts";

export default http({
  summary: "List a network's events",
  access: "namespace",
  find: theNetworkOrFloating,
  run: ({ cloud, found }) => listEvents(cloud, "network", found.value.uuid),
  answer: z.array(Event),
});
