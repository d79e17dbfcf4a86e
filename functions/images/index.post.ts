// Asks nodes to fetch an image before anybody needs it.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { chooseNodes } from "#shared/images/nodes.ts";
import { parseWish, withChecksum } from "#shared/images/wish.ts";
import { enqueue } from "#shared/jobs.ts";

const error = "url is not a string";
const noNode = "node is neither a name nor a list of names";

export default http({
  summary: "Cache an image",
  description: "Answers at once; the events of the image tell how it went.",
  access: "namespace",
  input: z.strictObject({
    url: z
      .string({ error })
      .min(1, { error })
      .max(4096, { error: "url is too long" })
      .describe("A URL or a short name such as debian:12; `#sha256:…` behind it is its checksum"),
    checksum: z
      .string({ error: "checksum is not a string" })
      .nullish()
      .describe("sha256:…, sha512:… or md5:… of what is downloaded"),
    node: z
      .union([z.string(), z.array(z.string()).min(1, { error: noNode }).max(1000, { error: noNode })], {
        error: noNode,
      })
      .nullish()
      .describe("Which nodes fetch it; without it, the one that is asked"),
    all: z.boolean({ error: "all is not a boolean" }).nullish().describe("Every node fetches it"),
  }),

  async run({ cloud, input: { url, checksum, node, all } }) {
    const text = withChecksum(url, checksum);
    parseWish(text);
    const nodes = chooseNodes(cloud, node ?? null, all ?? false);
    const message = node == null && all !== true ? null : nodes.join(", ");
    cloud.events.record("image", url, { operation: "api", phase: "cache", message });
    for (const each of nodes)
      await cloud.store.commit([enqueue(cloud, each, "images/fetch", { type: "image", uuid: text })]);
    return null;
  },
});
