// Makes a namespace, with a key if one is given. One that exists keeps all that it has.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { namespaceInput } from "#shared/namespaces/input.ts";
import { makeNamespace, sealKey } from "#shared/namespaces/set-key.ts";

export default http({
  summary: "Create a namespace",
  description: "Also adds or replaces a key. A namespace that exists keeps its metadata and its other keys.",
  access: "system",
  input: namespaceInput,
  answer: z.string(),

  async run({ cloud, input: { namespace, key_name: name, key } }) {
    const isKeyed = name !== undefined && key !== undefined;
    const sealed = isKeyed ? await sealKey(cloud, namespace, { name, key }) : undefined;
    await makeNamespace(cloud.store, namespace, sealed);
    return namespace;
  },
});
