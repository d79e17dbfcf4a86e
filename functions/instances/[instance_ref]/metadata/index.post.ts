// Notes something about an instance, under a key that the body names.
import { http } from "#runtime/define.ts";
import { metadataInput } from "#shared/input.ts";
import { theInstance } from "#shared/instances/find.ts";
import { setMetadata } from "#shared/metadata.ts";

export default http({
  summary: "Add to an instance's metadata",
  access: "namespace",
  input: metadataInput,
  find: theInstance,

  async run({ cloud, found, input: { key, value } }) {
    await setMetadata(cloud, found, key, value);
    return null;
  },
});
