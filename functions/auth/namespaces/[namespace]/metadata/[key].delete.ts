// Removes what is noted about a namespace under a key.
import { http } from "#runtime/define.ts";
import { deleteMetadata } from "#shared/metadata.ts";
import { theNamespace } from "#shared/namespaces/find.ts";

export default http({
  summary: "Delete a key of a namespace's metadata",
  access: "system",
  find: theNamespace,

  async run({ cloud, found, params: { key = "" } }) {
    await deleteMetadata(cloud, found, key);
    return null;
  },
});
