// Removes what is noted about an instance under a key.
import { http } from "#runtime/define.ts";
import { theInstance } from "#shared/instances/find.ts";
import { deleteMetadata } from "#shared/metadata.ts";

export default http({
  summary: "Delete a key of an instance's metadata",
  access: "namespace",
  find: theInstance,

  async run({ cloud, found, params: { key = "" } }) {
    await deleteMetadata(cloud, found, key);
    return null;
  },
});
