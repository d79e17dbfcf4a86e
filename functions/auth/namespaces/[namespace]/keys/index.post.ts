// Adds a key to a namespace, or replaces it: tokens of the one before are over.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { theNamespace } from "#shared/namespaces/find.ts";
import { newKeyInput } from "#shared/namespaces/input.ts";
import { addKey, sealKey } from "#shared/namespaces/set-key.ts";

export default http({
  summary: "Add a key to a namespace",
  access: "system",
  input: newKeyInput,
  find: theNamespace,
  answer: z.string(),

  async run({ cloud, found: { value: namespace }, input: { key_name: name, key, expires } }) {
    await addKey(cloud.store, namespace.name, await sealKey(cloud, namespace.name, { name, key, expires }));
    return name;
  },
});
