// The snapshots of an instance, a row for each disk, the oldest first.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { Snapshot } from "#shared/api/schemas.ts";
import { theInstance } from "#shared/instances/find.ts";
import { listSnapshots, viewSnapshot } from "#shared/instances/snapshot-record.ts";

export default http({
  summary: "List an instance's snapshots",
  access: "namespace",
  find: theInstance,
  run: ({ cloud, found }) => listSnapshots(cloud, found.value.uuid),
  view: (snapshots) => snapshots.flatMap(viewSnapshot),
  answer: z.array(Snapshot),
});
