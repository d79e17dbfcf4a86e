// Copies an instance's first disk, or all of them, to files of their own. A running guest stands still for a moment.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { instanceLock, ownerNode, theInstance } from "#shared/instances/find.ts";
import { takeSnapshot } from "#shared/instances/snapshot.ts";

export default http({
  summary: "Snapshot an instance",
  description:
    "Answers the snapshot's UUID once its files are there: a qcow2 file for each disk, without a backing file. CD-ROMs are left out; raw disks are refused.",
  access: "namespace",
  input: z.strictObject({ all: z.boolean({ error: "all is not true or false" }).nullish() }),
  find: theInstance,
  node: ownerNode,
  lock: instanceLock,
  run: ({ cloud, found, input }) => takeSnapshot(cloud, found.value.uuid, input.all === true),
  answer: z.string(),
});
