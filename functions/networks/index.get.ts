// The networks of a namespace; for `system` those of all.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { ListedNetwork } from "#shared/api/schemas.ts";
import { listNetworks } from "#shared/networks/find.ts";
import { listInput } from "#shared/networks/input.ts";
import { viewListedNetwork } from "#shared/networks/view.ts";

export default http({
  summary: "List networks",
  description: "Without `all`, those that are deleted or in error are left out.",
  access: "namespace",
  input: listInput,
  run: ({ cloud, caller, input }) => listNetworks(cloud, caller, Boolean(input.all)),
  view: (networks) => networks.map(viewListedNetwork),
  answer: z.array(ListedNetwork),
});
