// What the owner noted about an instance.
import { http } from "#runtime/define.ts";
import { theInstance } from "#shared/instances/find.ts";

export default http({
  summary: "Show an instance's metadata",
  access: "namespace",
  find: theInstance,
  run: ({ found }) => found.value.metadata,
});
