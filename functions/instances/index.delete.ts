// Deletes every instance of a namespace; those in error too.
import { http } from "#runtime/define.ts";
import { Uuids } from "#shared/api/schemas.ts";
import { deleteInstances } from "#shared/instances/delete-all.ts";
import { chosenBy } from "#shared/namespaces/chosen.ts";
import { deleteAllInput } from "#shared/networks/input.ts";

export default http({
  summary: "Delete all instances",
  description:
    "`confirm` must be true. `system` must name the namespace, and means the whole cloud by `system`. Answers the UUIDs of those whose deletion was asked for, once they are gone or after API_ASYNC_WAIT seconds.",
  access: "namespace",
  input: deleteAllInput,
  run: ({ cloud, caller, input }) => deleteInstances(cloud, chosenBy(caller, input.namespace)),
  answer: Uuids,
});
