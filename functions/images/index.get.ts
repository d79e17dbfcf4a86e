// The images that nodes hold, and with `all` also those that they are fetching or have refused.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { ImageMeta } from "#shared/api/schemas.ts";
import { listImages } from "#shared/images/list.ts";
import { viewImage } from "#shared/images/view.ts";
import { countDisks } from "#shared/instances/bases.ts";

export default http({
  summary: "List cached images",
  description:
    "With `all`, also what is being fetched for the first time, and what was refused in the last hour.",
  access: "namespace",
  input: z.strictObject({
    node: z.string({ error: "node is not a string" }).nullish(),
    url: z.string({ error: "url is not a string" }).nullish().describe("A URL or a short name"),
    all: z.boolean({ error: "all is not a boolean" }).nullish(),
  }),

  run: ({ cloud, input: { node, url, all } }) =>
    listImages(
      cloud,
      { node: node ?? undefined, url: url ?? undefined, all: all ?? false },
      countDisks(cloud),
    ),
  view: (rows) => rows.flatMap((row) => viewImage(row) ?? []),
  answer: z.array(ImageMeta),
});
