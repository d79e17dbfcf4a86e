// The instances of a namespace; for `system` those of all.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { Instance } from "#shared/api/schemas.ts";
import { listInstances } from "#shared/instances/find.ts";
import { seenInstances } from "#shared/instances/seen.ts";
import { viewInstance } from "#shared/instances/view.ts";
import { listInput } from "#shared/networks/input.ts";

export default http({
  summary: "List instances",
  description: "Without `all`, those that are deleted or in error are left out.",
  access: "namespace",
  input: listInput,
  run: ({ cloud, caller, input }) => seenInstances(cloud, listInstances(cloud, caller, Boolean(input.all))),
  view: (instances) => instances.map(viewInstance),
  answer: z.array(Instance),
});
