// What happened to a node.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { Event } from "#shared/api/schemas.ts";
import { listEvents } from "#shared/events/list.ts";
import { theNode } from "#shared/nodes/remove.ts";

export default http({
  summary: "List a node's events",
  access: "system",
  find: theNode,
  run: ({ cloud, found }) => listEvents(cloud, "node", found.value.name),
  answer: z.array(Event),
});
