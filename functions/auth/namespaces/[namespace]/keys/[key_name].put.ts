// Replaces a key of a namespace: tokens of the one before are over, and so is its end, if none is given.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { theNamespace } from "#shared/namespaces/find.ts";
import { keyInput } from "#shared/namespaces/input.ts";
import { replaceKey, sealKey } from "#shared/namespaces/set-key.ts";

export default http({
  summary: "Replace a key of a namespace",
  access: "system",
  input: keyInput,
  find: theNamespace,
  answer: z.string(),

  async run({ cloud, found: { value: namespace }, params: { key_name: name = "" }, input }) {
    await replaceKey(cloud.store, namespace.name, await sealKey(cloud, namespace.name, { name, ...input }));
    return name;
  },
});
