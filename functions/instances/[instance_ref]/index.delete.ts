// Deletes an instance, whatever it is doing.
import { http } from "#runtime/define.ts";
import { awaitState, beginDeletion } from "#shared/instances/delete.ts";
import { theInstance } from "#shared/instances/find.ts";

export default http({
  summary: "Delete an instance",
  description: "Answers once it is gone, or after API_ASYNC_WAIT seconds.",
  access: "namespace",
  find: theInstance,

  async run({ cloud, found: { value: instance } }) {
    await beginDeletion(cloud, instance.uuid);
    await awaitState(cloud, instance.uuid, ["deleted"]);
    return null;
  },
});
