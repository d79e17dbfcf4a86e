// Deletes a snapshot, its files included. One that is still being made is ended first.
import { http } from "#runtime/define.ts";
import { nodeOf, theSnapshot } from "#shared/instances/snapshot-find.ts";
import { deleteSnapshot } from "#shared/instances/snapshot-settle.ts";

export default http({
  summary: "Delete a snapshot",
  access: "namespace",
  find: theSnapshot,
  node: nodeOf,

  async run({ cloud, found }) {
    await deleteSnapshot(cloud, found.snapshot);
    return null;
  },
});
