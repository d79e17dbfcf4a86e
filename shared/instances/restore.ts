// Brings the guests of a host that has restarted back as they were, which their records say: one job for each.
import { access } from "node:fs/promises";
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { enqueue, type JobContext, type JobRecord, jobPrefix } from "../jobs.ts";
import { onNewBoot } from "../nodes/boot.ts";
import type { Change } from "../ports/store/store.ts";
import { startDomain } from "./domain.ts";
import { instanceLockName } from "./find.ts";
import { powerChange } from "./power.ts";
import { forgetReboot } from "./reboot.ts";
import { INSTANCES, type InstanceRecord } from "./record.ts";
import { RESTORE } from "./restoring.ts";
import { makeConfigDrive } from "./start.ts";
import { inError } from "./states.ts";

const BATCH = 100;
const LOCK_WAIT_MS = 20_000;

type Context = JobContext<InstanceRecord>;

/**
 * Before anything hears of the guests' power: queues what a start of this host asks for. Answers whether it was one; a start
 * of the process alone is none, and a guest that is off by then has gone off by itself.
 */
export const restoreAfterBoot = (cloud: Cloud, boot: string): Promise<boolean> =>
  onNewBoot(cloud, boot, async () => {
    const jobs = [...restores(cloud), ...begunAnew(cloud)];
    for (let first = 0; first < jobs.length; first += BATCH)
      await cloud.store.commit(jobs.slice(first, first + BATCH));
    if (jobs.length > 0)
      cloud.log.info({ jobs: jobs.length }, "the host has restarted: its guests are brought back");
  });

const restores = (cloud: Cloud): Change[] =>
  cloud.store.mirror
    .list<InstanceRecord>(INSTANCES)
    .filter(({ value }) => value.node === cloud.node.name && isToRun(value))
    .map(({ value: { uuid } }) => enqueue(cloud, cloud.node.name, RESTORE, { type: "instance", uuid }));

/** What earlier steps had made, such as links, is gone with the host; and while it was away no time of theirs has gone by. */
const begunAnew = (cloud: Cloud): Change[] =>
  cloud.store.mirror
    .list<JobRecord>(jobPrefix(cloud.node.name))
    .filter(({ value: { kind, begun, failure } }) => kind !== RESTORE && begun !== null && failure === null)
    .map(({ value: { kind, subject } }) => enqueue(cloud, cloud.node.name, kind, subject));

/** Its record says that it runs, or stands still. */
export const isToRun = ({ state, doomed, power_state }: InstanceRecord): boolean =>
  state === "created" && !doomed && (power_state === "on" || power_state === "paused");

/** Disks are never made again: what was on them would be gone. */
export async function checkDisks({ cloud, subject }: Context): Promise<void> {
  for (const [position, { device, path, base }] of devicesOf(subject.value).entries()) {
    if (position === CONFIG_DRIVE) continue;
    if (!(await exists(path)))
      throw new CloudError("not_found", `disk ${device} is missing on node ${cloud.node.name}`);
    if (base !== null && !(await exists(base.path)))
      throw new CloudError(
        "not_found",
        `the image below disk ${device} is missing on node ${cloud.node.name}`,
      );
  }
}

export async function ensureConfigDrive(context: Context): Promise<void> {
  const drive = devicesOf(context.subject.value)[CONFIG_DRIVE];
  if (drive !== undefined && !(await exists(drive.path))) await makeConfigDrive(context);
}

/** Under the instance's lock: a snapshot lets a guest go on that it finds standing still. */
export async function restore({ cloud, subject, signal }: Context): Promise<void> {
  const { uuid, power_state } = subject.value;
  const options = { wait_ms: LOCK_WAIT_MS, operation: "restore", signal };
  const lock = await cloud.store.lock(instanceLockName(uuid), options);
  try {
    // To start is more than it was asked to do.
    await forgetReboot(cloud, uuid);
    await startDomain(cloud, subject.value, { paused: power_state === "paused" });
    if (power_state === "paused") await cloud.hypervisor.pause(uuid);
  } finally {
    await lock.release();
  }
}

/** What was half brought back does not run on beside a record in error. */
export async function cutPower({ cloud, subject }: Context): Promise<void> {
  await cloud.hypervisor.powerOff(subject.value.uuid);
}

/** It keeps all that it holds, its disks too: only its owner deletes it. */
export function notRestored({ cloud, subject }: Context, reason: string, undone: boolean): Change[] {
  const message = `could not be brought back after node ${cloud.node.name} restarted: ${reason}; its disks are kept until it is deleted`;
  const power = undone ? powerChange(cloud, subject.value, "off") : {};
  const kept = { leftovers: true, disks_kept: true, doomed: false };
  return [inError(cloud, subject, message, { ...power, ...kept })];
}

const CONFIG_DRIVE = 1;

const devicesOf = ({ block_devices }: InstanceRecord) => block_devices?.devices ?? [];

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
