// Notes something about an instance, under the path's key, which may be new.
import { http } from "#runtime/define.ts";
import { metadataValueInput } from "#shared/input.ts";
import { theInstance } from "#shared/instances/find.ts";
import { setMetadata } from "#shared/metadata.ts";

export default http({
  summary: "Set a key of an instance's metadata",
  access: "namespace",
  input: metadataValueInput,
  find: theInstance,

  async run({ cloud, found, params: { key = "" }, input: { value } }) {
    await setMetadata(cloud, found, key, value);
    return null;
  },
});
