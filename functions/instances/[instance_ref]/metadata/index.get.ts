// What is noted about an instance.
import { http } from "#runtime/define.ts";
import { Metadata } from "#shared/api/schemas.ts";
import { theInstance } from "#shared/instances/find.ts";

export default http({
  summary: "Show an instance's metadata",
  access: "namespace",
  find: theInstance,
  answer: Metadata,
  run: ({ found }) => found.value.metadata,
});
