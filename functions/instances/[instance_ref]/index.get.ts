// One instance, also when it is deleted or in error, until its record goes.
import { http } from "#runtime/define.ts";
import { Instance } from "#shared/api/schemas.ts";
import { theInstance } from "#shared/instances/find.ts";
import { seenInstance } from "#shared/instances/seen.ts";
import { viewInstance } from "#shared/instances/view.ts";

export default http({
  summary: "Show an instance",
  access: "namespace",
  find: theInstance,
  run: ({ cloud, found }) => seenInstance(cloud, found.value),
  view: viewInstance,
  answer: Instance,
});
