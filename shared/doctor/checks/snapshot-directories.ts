// Files of snapshots that there are not.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { SnapshotRecord } from "../../instances/snapshot-record.ts";
import { check } from "../check.ts";
import { inStorage, listUuids } from "../files.ts";
import { listFresh } from "../keys.ts";

export const snapshotDirectories = check({
  name: "snapshot-directories",
  summary: "Every directory of a snapshot has its record",
  scope: "node",
  reads_store: true,

  async find(cloud) {
    const root = inStorage(cloud, "snapshots");
    const there = await listUuids(root);
    if (there.length === 0) return [];
    const known = new Set(
      (await listFresh<SnapshotRecord>(cloud, "snapshot/")).map(({ value }) => value.uuid),
    );
    return there
      .filter((uuid) => !known.has(uuid))
      .map((uuid) => {
        const subject = join(root, uuid);
        const fix = () => rm(subject, { recursive: true, force: true });
        return { subject, problem: "there is no such snapshot", mend: `rm -r ${subject}`, fix };
      });
  },
});
