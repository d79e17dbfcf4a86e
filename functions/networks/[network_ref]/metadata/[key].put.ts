// Notes something about a network, under the path's key, which may be new.
import { http } from "#runtime/define.ts";
import { metadataValueInput } from "#shared/input.ts";
import { setMetadata } from "#shared/metadata.ts";
import { theNetwork } from "#shared/networks/find.ts";

export default http({
  summary: "Set a key of a network's metadata",
  access: "namespace",
  input: metadataValueInput,
  find: theNetwork,

  async run({ cloud, found, params: { key = "" }, input: { value } }) {
    await setMetadata(cloud, found, key, value);
    return null;
  },
});
