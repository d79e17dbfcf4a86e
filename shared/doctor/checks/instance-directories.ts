// Directories of instances that are forgotten, and disks of instances that are deleted.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Cloud } from "../../cloud.ts";
import { CloudError } from "../../errors.ts";
import { CONSOLE_LOG, instanceDirectory, instancesDirectory } from "../../instances/paths.ts";
import { recordOf } from "../../instances/strays.ts";
import { check, type Found } from "../check.ts";
import { listUuids, unlessAbsent } from "../files.ts";

export const instanceDirectories = check({
  name: "instance-directories",
  summary: "Every directory of an instance has its record",
  scope: "node",
  reads_store: true,

  async find(cloud) {
    const found: Found[] = [];
    for (const uuid of await listUuids(instancesDirectory(cloud.config)))
      found.push(...(await judge(cloud, uuid, instanceDirectory(cloud.config, uuid))));
    return found;
  },
});

async function judge(cloud: Cloud, uuid: string, directory: string): Promise<Found[]> {
  const record = await recordOf(cloud, uuid);
  if (record === undefined) {
    const problem = "there is no such instance";
    const fix = async () => {
      await requireGone(cloud, uuid);
      await rm(directory, { recursive: true, force: true });
      await cloud.hypervisor.removeLogs(uuid);
    };
    return [{ subject: directory, problem, mend: `rm -r ${directory}`, fix }];
  }
  if (record.state !== "deleted") return [];
  // The console's log stays until the record goes.
  const names = ((await unlessAbsent(readdir(directory))) ?? []).filter(
    (name) => !name.startsWith(CONSOLE_LOG),
  );
  return names.map((name) => {
    const file = join(directory, name);
    const fix = () => rm(file, { recursive: true, force: true });
    return { subject: file, problem: "its instance is deleted", mend: `rm -r ${file}`, fix };
  });
}

async function requireGone(cloud: Cloud, uuid: string): Promise<void> {
  if ((await recordOf(cloud, uuid)) !== undefined)
    throw new CloudError("conflict", `instance ${uuid}: exists now`);
  if ((await cloud.hypervisor.getDomain(uuid)) !== undefined)
    throw new CloudError("conflict", `domain sf:${uuid}: is still there, and uses it`);
}
