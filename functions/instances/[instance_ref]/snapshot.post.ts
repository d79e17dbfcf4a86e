// Copies an instance's first disk, or all of them as they are at one moment, to files of their own. The guest goes on.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { ownerNode, theInstance } from "#shared/instances/find.ts";
import { takeSnapshot } from "#shared/instances/snapshot.ts";

export default http({
  summary: "Snapshot an instance",
  description:
    "Answers the snapshot's UUID once its files are there: a qcow2 file for each disk, without a backing file. With wait false it answers at once, and the list of snapshots tells how far it is. CD-ROMs are left out.",
  access: "namespace",
  input: z.strictObject({
    all: z.boolean({ error: "all is not true or false" }).nullish(),
    wait: z.boolean({ error: "wait is not true or false" }).nullish(),
  }),
  find: theInstance,
  node: ownerNode,
  async run({ cloud, found, input }) {
    const { uuid, done } = await takeSnapshot(cloud, found.value.uuid, input.all === true);
    if (input.wait === false)
      done.catch(() => {}); // is told in the instance's events
    else await done;
    return uuid;
  },
  answer: z.string(),
});
