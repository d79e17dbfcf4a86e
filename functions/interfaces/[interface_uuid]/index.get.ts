// One interface, also when it is deleted, until its instance's record goes.
import { http } from "#runtime/define.ts";
import { NetworkInterface } from "#shared/api/schemas.ts";
import { theInterface } from "#shared/instances/interfaces.ts";
import { viewInterface } from "#shared/networks/view.ts";

export default http({
  summary: "Show an interface",
  description: "Its network and its instance must both be the caller's.",
  access: "namespace",
  find: theInterface,
  run: ({ found }) => found.value,
  view: viewInterface,
  answer: NetworkInterface,
});
