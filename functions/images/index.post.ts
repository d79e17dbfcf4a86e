// Asks this node to fetch an image before anybody needs it.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { enqueue } from "#shared/jobs.ts";

const error = "url is not a string";

export default http({
  summary: "Cache an image",
  description: "Answers at once; the events of the image tell how it went.",
  access: "namespace",
  input: z.strictObject({
    url: z.string({ error }).min(1, { error }).max(4096, { error: "url is too long" }),
  }),

  async run({ cloud, input: { url } }) {
    cloud.events.record("image", url, { operation: "api", phase: "cache" });
    await cloud.store.commit([enqueue(cloud, cloud.node.name, "images/fetch", { type: "image", uuid: url })]);
    return null;
  },
});
