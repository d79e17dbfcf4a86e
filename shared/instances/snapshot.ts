// Takes a snapshot of an instance's disks. The guest stands still only while the layers that are its own are copied; what
// they are layered on never changes, and both are put together afterwards, while it runs.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Cloud } from "../cloud.ts";
import { openDeadline } from "../deadline.ts";
import { CloudError, messageOf } from "../errors.ts";
import { explainFull } from "../images/disks.ts";
import { placeFile } from "../images/place.ts";
import { step } from "../images/tools.ts";
import { check, create } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import { type BlockDevice, type InstanceRecord, instanceKey } from "./record.ts";
import { beginWork, settleWork, type Work, whileStill, workDirectory } from "./snapshot-files.ts";
import { listSnapshots, type SnapshotRecord, snapshotKey } from "./snapshot-record.ts";
import { requireState } from "./states.ts";

const MOST = 100;

/**
 * Of the first disk or of all, CD-ROMs aside: on the instance's node, under its lock. Answers the snapshot's uuid once its
 * files are there: one qcow2 a disk, without a backing file. Rejects with "conflict" for an instance that is not created
 * or disks that cannot be snapshotted, "insufficient" when the file system is full; nothing is left then.
 */
export async function takeSnapshot(cloud: Cloud, instance: string, all: boolean): Promise<string> {
  const devices = devicesOf(requireCreated(cloud, instance).value, all);
  if (listSnapshots(cloud, instance).length >= MOST)
    throw new CloudError("insufficient", `instance ${instance}: has ${MOST} snapshots, which is the most`);
  const work: Work = { instance, snapshot: crypto.randomUUID() };
  try {
    await make(cloud, work, devices);
  } catch (error) {
    await settleWork(cloud, work).catch((reason: unknown) =>
      cloud.log.warn({ ...work, reason: messageOf(reason) }, "snapshot cannot be settled yet"),
    );
    throw explain(cloud, instance, error);
  }
  await settleWork(cloud, work);
  const operation = `snapshot (all=${all ? "True" : "False"})`;
  cloud.events.record("instance", instance, { operation: "api", phase: operation, message: work.snapshot });
  return work.snapshot;
}

/** What the programs said is of no use to a tenant: it names files of the node. */
function explain(cloud: Cloud, uuid: string, error: unknown): unknown {
  requireCreated(cloud, uuid);
  const known = explainFull(`instance ${uuid}: snapshot`, error);
  if (known instanceof CloudError && known.kind !== "internal") return known;
  return new CloudError("internal", `instance ${uuid}: the snapshot failed`, { cause: error });
}

function requireCreated(cloud: Cloud, uuid: string) {
  const entry = cloud.store.mirror.get<InstanceRecord>(instanceKey(uuid));
  if (entry === undefined) throw new CloudError("not_found", "instance not found");
  requireState(entry.value, "created");
  if (entry.value.doomed) throw new CloudError("conflict", `instance ${uuid}: is being deleted`);
  return entry;
}

function devicesOf({ uuid, block_devices }: InstanceRecord, all: boolean): BlockDevice[] {
  const disks = block_devices?.devices ?? [];
  const wanted = (all ? disks : disks.slice(0, 1)).filter(({ snapshot_ignores }) => !snapshot_ignores);
  if (wanted.length === 0) throw new CloudError("conflict", `instance ${uuid}: has no disk to snapshot`);
  const raw = wanted.find(({ type }) => type !== "qcow2");
  if (raw !== undefined)
    throw new CloudError("conflict", `instance ${uuid}: disk ${raw.device} is raw and has no snapshots`);
  return wanted;
}

async function make(cloud: Cloud, work: Work, devices: readonly BlockDevice[]): Promise<void> {
  const deadline = openDeadline(cloud.config.API_TIMEOUT * 1000);
  const run = { timeout_ms: cloud.config.API_TIMEOUT * 1000, signal: deadline.signal };
  const directory = workDirectory(cloud.config, work);
  const layerOf = (device: string) => join(directory, `${device}.layer`);
  try {
    await beginWork(cloud, work);
    await whileStill(cloud, work, async () => {
      for (const { path, device } of devices)
        await cloud.exec.run("cp", ["--reflink=auto", "--", path, layerOf(device)], run);
    });
    const created = cloud.clock.now();
    // One at a time on a node: each is as much as its disk can do.
    await cloud.mutex.run("snapshots", async () => {
      for (const { device } of devices)
        await step(
          cloud,
          (event) => cloud.events.record("instance", work.instance, event),
          `snapshot ${device}`,
          async () => {
            const made = join(directory, `${device}.tmp`);
            const formats = ["-f", "qcow2", "-O", "qcow2"];
            await cloud.exec.run("qemu-img", ["convert", ...formats, layerOf(device), made], run);
            await rm(layerOf(device));
            await placeFile(made, join(directory, device), 0o600);
          },
        );
    });
    await keep(cloud, work, devices, created);
  } finally {
    deadline.clear();
  }
}

/** From here on it exists, unless the instance went meanwhile. */
async function keep(
  cloud: Cloud,
  { instance, snapshot }: Work,
  devices: readonly BlockDevice[],
  created: number,
): Promise<void> {
  const record: SnapshotRecord = {
    uuid: snapshot,
    instance_uuid: instance,
    devices: devices.map(({ device }) => device),
    created,
  };
  await transact(cloud.store, () => {
    const wanted = requireCreated(cloud, instance);
    return [[check(wanted), create(snapshotKey(instance, snapshot), record)], undefined];
  });
}
