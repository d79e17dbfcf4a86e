// Removes what is noted about a network under a key.
import { http } from "#runtime/define.ts";
import { deleteMetadata } from "#shared/metadata.ts";
import { theNetwork } from "#shared/networks/find.ts";

export default http({
  summary: "Delete a key of a network's metadata",
  access: "namespace",
  find: theNetwork,

  async run({ cloud, found, params: { key = "" } }) {
    await deleteMetadata(cloud, found, key);
    return null;
  },
});
