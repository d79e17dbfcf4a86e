// Creates an instance and waits a while for it to run.
import { http } from "#runtime/define.ts";
import { Instance } from "#shared/api/schemas.ts";
import { createInstance } from "#shared/instances/create.ts";
import { awaitCreated } from "#shared/instances/deletion.ts";
import { instanceInput } from "#shared/instances/input.ts";
import { seenInstance } from "#shared/instances/seen.ts";
import { viewInstance } from "#shared/instances/view.ts";

export default http({
  summary: "Create an instance",
  description:
    "Answers once it is created, deleted or in error, or after API_ASYNC_WAIT seconds with the state so far.",
  access: "namespace",
  input: instanceInput,

  async run({ cloud, caller, input }) {
    const made = await createInstance(cloud, caller, input);
    return seenInstance(cloud, (await awaitCreated(cloud, made.uuid)) ?? made);
  },
  view: viewInstance,
  answer: Instance,
});
