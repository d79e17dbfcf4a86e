// The network interfaces of an instance, in the order of its request.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { NetworkInterface } from "#shared/api/schemas.ts";
import { interfacesOf, theInstance } from "#shared/instances/find.ts";
import { viewInterface } from "#shared/networks/view.ts";

export default http({
  summary: "List an instance's interfaces",
  access: "namespace",
  find: theInstance,

  run: ({ cloud, found }) =>
    interfacesOf(cloud, found.value)
      .map(({ value }) => value)
      .filter(({ state }) => state !== "deleted"),
  view: (interfaces) => interfaces.map(viewInterface),
  answer: z.array(NetworkInterface),
});
