// What happened to an image, by the text with which it was asked for.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { Event } from "#shared/api/schemas.ts";
import { listEvents } from "#shared/events/list.ts";

export default http({
  summary: "List an image's events",
  access: "namespace",
  input: z.strictObject({ url: z.string({ error: "url is not a string" }) }),
  run: ({ cloud, input }) => listEvents(cloud, "image", input.url),
  answer: z.array(Event),
});
