// Deletes a namespace that nothing lives in. Its keys and their tokens are over at once.
import { http } from "#runtime/define.ts";
import { CloudError } from "#shared/errors.ts";
import { listInstances } from "#shared/instances/find.ts";
import { deleteNamespace } from "#shared/namespaces/delete.ts";
import { listNetworks } from "#shared/networks/find.ts";

export default http({
  summary: "Delete a namespace",
  description: "Refused while it has instances or networks that are neither deleted nor in error.",
  access: "system",

  async run({ cloud, params: { namespace = "" } }) {
    await deleteNamespace(cloud, namespace, function requireUnused() {
      const refuse = (what: string) =>
        new CloudError("malformed", `you cannot delete a namespace with ${what}`);
      if (listInstances(cloud, { namespace }, false).length > 0) throw refuse("instances");
      if (listNetworks(cloud, { namespace }, false).length > 0) throw refuse("networks");
    });
    return null;
  },
});
