// What is noted about a namespace.
import { http } from "#runtime/define.ts";
import { Metadata } from "#shared/api/schemas.ts";
import { theNamespace } from "#shared/namespaces/find.ts";

export default http({
  summary: "Show a namespace's metadata",
  access: "system",
  find: theNamespace,
  answer: Metadata,
  run: ({ found }) => found.value.metadata,
});
