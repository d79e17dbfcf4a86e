// Instances whose disks, or the images below them, are no longer there: they run until they are stopped, and never again.
import type { Cloud } from "../../cloud.ts";
import { powerChange } from "../../instances/power.ts";
import { INSTANCES, type InstanceRecord } from "../../instances/record.ts";
import { isRestoring } from "../../instances/restoring.ts";
import { inError, updateInstance } from "../../instances/states.ts";
import { check, type Found } from "../check.ts";
import { inStorage, isThere } from "../files.ts";

export const missingDisks = check({
  name: "missing-disks",
  summary: "Every instance of this node has its disks",
  scope: "node",
  reads_store: true,
  routine: true,

  async find(cloud) {
    // Where the storage is not mounted nothing is there: that is another fault.
    if (!(await isThere(inStorage(cloud, "installation")))) return [];
    const powers = new Map((await cloud.hypervisor.listDomains()).map(({ uuid, power }) => [uuid, power]));
    const mine = cloud.store.mirror
      .list<InstanceRecord>(INSTANCES)
      .map(({ value }) => value)
      .filter((instance) => isSettled(cloud, instance));
    const found: Found[] = [];
    for (const instance of mine) {
      const isRunning = ["on", "paused"].includes(powers.get(instance.uuid) ?? "off");
      const missing = await missingOf(instance);
      found.push(...missing.map((each) => (isRunning ? each : withFix(cloud, instance.uuid, each))));
    }
    return found;
  },
});

const isSettled = (cloud: Cloud, instance: InstanceRecord): boolean =>
  instance.node === cloud.node.name &&
  instance.state === "created" &&
  !instance.doomed &&
  !isRestoring(cloud, instance);

async function missingOf({ uuid, name, block_devices }: InstanceRecord): Promise<Found[]> {
  const mend = `bring the file back, or sf-client instance delete ${uuid}`;
  const found: Found[] = [];
  for (const { device, path, base } of block_devices?.devices ?? []) {
    const subject = `instance ${uuid} (${name}): ${device}`;
    if (!(await isThere(path))) found.push({ subject, problem: `its file ${path} is gone`, mend });
    else if (base !== null && !(await isThere(base.path)))
      found.push({ subject, problem: `the image below it, ${base.path}, is gone`, mend });
  }
  return found;
}

/** Its owner is told by the instance. What is left of its disks stays for as long as the owner wants. */
function withFix(cloud: Cloud, uuid: string, found: Found): Found {
  const reason = `${found.subject.split(": ").at(-1)}: ${found.problem}`;
  const fix = () =>
    updateInstance(cloud, uuid, (entry) => {
      if (!isSettled(cloud, entry.value)) return undefined;
      const power = powerChange(cloud, entry.value, "off");
      return inError(cloud, entry, reason, { ...power, leftovers: true, disks_kept: true });
    });
  return { ...found, fix };
}
