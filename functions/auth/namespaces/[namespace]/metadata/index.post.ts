// Notes something about a namespace, under a key that the body names.
import { http } from "#runtime/define.ts";
import { metadataInput } from "#shared/input.ts";
import { setMetadata } from "#shared/metadata.ts";
import { theNamespace } from "#shared/namespaces/find.ts";

export default http({
  summary: "Add to a namespace's metadata",
  access: "system",
  input: metadataInput,
  find: theNamespace,

  async run({ cloud, found, input: { key, value } }) {
    await setMetadata(cloud, found, key, value);
    return null;
  },
});
