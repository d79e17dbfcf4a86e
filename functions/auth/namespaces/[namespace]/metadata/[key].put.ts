// Notes something about a namespace, under the path's key, which may be new.
import { http } from "#runtime/define.ts";
import { metadataValueInput } from "#shared/input.ts";
import { setMetadata } from "#shared/metadata.ts";
import { theNamespace } from "#shared/namespaces/find.ts";

export default http({
  summary: "Set a key of a namespace's metadata",
  access: "system",
  input: metadataValueInput,
  find: theNamespace,

  async run({ cloud, found, params: { key = "" }, input: { value } }) {
    await setMetadata(cloud, found, key, value);
    return null;
  },
});
