// Snapshots of instances that are gone.
import { instanceKey } from "../../instances/record.ts";
import type { SnapshotRecord } from "../../instances/snapshot-record.ts";
import { check } from "../check.ts";
import { orphans } from "../keys.ts";

export const snapshotRecords = check({
  name: "snapshot-records",
  summary: "Every snapshot has its instance",
  scope: "cloud",
  reads_store: true,
  routine: true,

  find: (cloud) =>
    orphans<SnapshotRecord>(cloud, "snapshot/", ({ key }) => {
      const instance = key.split("/")[1] ?? "";
      if (cloud.store.mirror.get(instanceKey(instance)) !== undefined) return undefined;
      return `there is no instance ${instance}`;
    }),
});
