// What happened to an instance.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { Event } from "#shared/api/schemas.ts";
import { listEvents } from "#shared/events/list.ts";
import { theInstance } from "#shared/instances/find.ts";

export default http({
  summary: "List an instance's events",
  access: "namespace",
  find: theInstance,
  run: ({ cloud, found }) => listEvents(cloud, "instance", found.value.uuid),
  answer: z.array(Event),
});
