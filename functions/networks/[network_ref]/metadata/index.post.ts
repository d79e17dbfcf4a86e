// Notes something about a network, under a key that the body names.
import { http } from "#runtime/define.ts";
import { metadataInput } from "#shared/input.ts";
import { setMetadata } from "#shared/metadata.ts";
import { theNetwork } from "#shared/networks/find.ts";

export default http({
  summary: "Add to a network's metadata",
  access: "namespace",
  input: metadataInput,
  find: theNetwork,

  async run({ cloud, found, input: { key, value } }) {
    await setMetadata(cloud, found, key, value);
    return null;
  },
});
