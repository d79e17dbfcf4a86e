// Removes a key from a namespace. Its tokens are over at once.
import { http } from "#runtime/define.ts";
import { theNamespace } from "#shared/namespaces/find.ts";
import { deleteKey } from "#shared/namespaces/set-key.ts";

export default http({
  summary: "Delete a key of a namespace",
  access: "system",
  find: theNamespace,

  async run({ cloud, found: { value: namespace }, params: { key_name = "" } }) {
    await deleteKey(cloud.store, namespace.name, key_name);
    return null;
  },
});
