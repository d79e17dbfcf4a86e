// How disks are copied for a snapshot: by QEMU where it has them, all at one moment while the guest goes on; else, nobody
// writing to them, by qemu-img under the instance's lock, so that nobody begins to.
import { rm, writeFile } from "node:fs/promises";
import type { Cloud } from "../cloud.ts";
import { CloudError, isKind } from "../errors.ts";
import { instanceLockName } from "./find.ts";
import type { BlockDevice } from "./record.ts";
import { requireRoom, unfinishedFile } from "./snapshot-files.ts";
import type { Work } from "./snapshot-work.ts";

const LOCK_WAIT_MS = 20_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
const PERCENT = /\((\d+)\.\d+\/100%\)/g;

export async function copyDisks(cloud: Cloud, work: Work, devices: readonly BlockDevice[]): Promise<void> {
  const options = { wait_ms: LOCK_WAIT_MS, operation: "snapshot", signal: work.signal };
  const lock = await cloud.store.lock(instanceLockName(work.instance), options);
  let runs: boolean;
  try {
    runs = await isRunning(cloud, work.instance);
    if (runs) await begin(cloud, work, devices);
    else await convert(cloud, work, devices);
  } finally {
    await lock.release();
  }
  if (runs) await awaitEnd(cloud, work, devices);
}

const isRunning = async ({ hypervisor }: Cloud, instance: string): Promise<boolean> =>
  ["on", "paused"].includes((await hypervisor.getDomain(instance))?.power ?? "off");

async function begin(cloud: Cloud, { instance, snapshot }: Work, devices: readonly BlockDevice[]) {
  const disks = devices.map(({ device }) => ({
    device,
    file: unfinishedFile(cloud.config, snapshot, device),
  }));
  const description = unfinishedFile(cloud.config, snapshot, "description");
  await writeFile(description, cloud.render("backup.xml", { disks }));
  await cloud.hypervisor.beginBackup(instance, description);
  await rm(description);
}

/** libvirt tells how far it is only when asked. That it is away for a while says nothing about the copy. */
async function awaitEnd(
  cloud: Cloud,
  { instance, signal, progress }: Work,
  devices: readonly BlockDevice[],
): Promise<void> {
  for (let pause_ms = FIRST_PAUSE_MS; ; pause_ms = Math.min(pause_ms * 2, LONGEST_PAUSE_MS)) {
    await cloud.clock.sleep(pause_ms, signal);
    const backup = await cloud.hypervisor.getBackup(instance).catch((error: unknown) => {
      if (isKind(error, "unavailable")) return undefined;
      throw error;
    });
    signal.throwIfAborted();
    if (backup?.state === "done") return;
    if (backup?.state === "running") await progress(backup.percent);
    else if (backup !== undefined) await explainEnd(cloud, instance, devices, backup);
  }
}

async function explainEnd(
  cloud: Cloud,
  instance: string,
  devices: readonly BlockDevice[],
  backup: { state: string; reason?: string },
): Promise<never> {
  if (!(await isRunning(cloud, instance)))
    throw new CloudError("conflict", `the guest went off meanwhile; ask for it again`);
  // libvirt 9.0 does not pass on why QEMU failed, and has removed what was copied.
  await requireRoom(cloud, devices);
  throw new CloudError("internal", `libvirt: backup: ${backup.reason ?? "nothing is known of it any more"}`);
}

async function convert(cloud: Cloud, work: Work, devices: readonly BlockDevice[]): Promise<void> {
  for (const [position, { path, type, device }] of devices.entries()) {
    const made = unfinishedFile(cloud.config, work.snapshot, device);
    await cloud.exec.run("qemu-img", ["convert", "-p", "-f", type, "-O", "qcow2", path, made], {
      timeout_ms: cloud.config.SNAPSHOT_TIMEOUT * 1000,
      signal: work.signal,
      async onOutput(chunk) {
        const [, percent] = [...chunk.toString("latin1").matchAll(PERCENT)].at(-1) ?? [];
        if (percent !== undefined)
          await work.progress(Math.floor((100 * position + Number(percent)) / devices.length));
      },
    });
  }
}
