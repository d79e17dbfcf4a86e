// Deletes every network of a namespace that nothing is on.
import { http } from "#runtime/define.ts";
import { Uuids } from "#shared/api/schemas.ts";
import { chosenBy } from "#shared/namespaces/chosen.ts";
import { deleteNetworks } from "#shared/networks/delete-all.ts";
import { deleteAllInput } from "#shared/networks/input.ts";

export default http({
  summary: "Delete all networks",
  description:
    "`confirm` must be true. `system` must name the namespace, and means the whole cloud by `system`. Answers the UUIDs of those that go, once they are gone or after API_ASYNC_WAIT seconds. When some are in use it is 403, and `error` an object that lists `deleted` and `unable`.",
  access: "namespace",
  input: deleteAllInput,
  run: ({ cloud, caller, input }) => deleteNetworks(cloud, chosenBy(caller, input.namespace)),
  answer: Uuids,
});
