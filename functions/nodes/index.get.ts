// The nodes of the cloud.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { Node } from "#shared/api/schemas.ts";
import { listNodes } from "#shared/nodes/view.ts";

export default http({
  summary: "List the nodes",
  access: "system",
  run: ({ cloud }) => listNodes(cloud),
  answer: z.array(Node),
});
