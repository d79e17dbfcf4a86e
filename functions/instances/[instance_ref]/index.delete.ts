// Deletes an instance, whatever it is doing.
import { http } from "#runtime/define.ts";
import { awaitDeleted, beginDeletion } from "#shared/instances/deletion.ts";
import { theInstance } from "#shared/instances/find.ts";

export default http({
  summary: "Delete an instance",
  description: "Answers once it is gone, or after API_ASYNC_WAIT seconds.",
  access: "namespace",
  find: theInstance,

  async run({ cloud, found: { value: instance } }) {
    await beginDeletion(cloud, instance.uuid);
    await awaitDeleted(cloud, instance.uuid);
    return null;
  },
});
