// The images that nodes hold.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { ImageMeta } from "#shared/api/schemas.ts";
import { type ImageRecord, imagePrefix } from "#shared/images/record.ts";
import { viewImage } from "#shared/images/view.ts";

export default http({
  summary: "List cached images",
  access: "namespace",
  input: z.strictObject({ node: z.string({ error: "node is not a string" }).nullish() }),

  run: ({ cloud, input }) =>
    cloud.store.mirror.list<ImageRecord>(imagePrefix(input.node ?? undefined)).map(({ value }) => value),
  view: (images) => images.map(viewImage),
  answer: z.array(ImageMeta),
});
