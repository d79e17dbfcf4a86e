// Snapshots and their files as a caller may see them: those of an instance of theirs.
import { stat } from "node:fs/promises";
import type { Caller, Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { isUuid } from "../find.ts";
import type { Entry } from "../ports/store/store.ts";
import { theInstance } from "./find.ts";
import type { InstanceRecord } from "./record.ts";
import { snapshotFile } from "./snapshot-files.ts";
import { type SnapshotRecord, snapshotKey, stateOf } from "./snapshot-record.ts";

interface Path {
  cloud: Cloud;
  caller: Caller;
  params: Readonly<Record<string, string>>;
}

export interface FoundSnapshot {
  readonly instance: InstanceRecord;
  readonly snapshot: Entry<SnapshotRecord>;
}

/** One that is going is still found, so that whoever deletes it can ask again. */
export async function theSnapshot(path: Path): Promise<FoundSnapshot> {
  const { value: instance } = await theInstance(path);
  const { snapshot_uuid: uuid = "" } = path.params;
  if (!isUuid(uuid)) throw notFound();
  const key = snapshotKey(instance.uuid, uuid);
  const { store } = path.cloud;
  const snapshot = store.mirror.get<SnapshotRecord>(key) ?? (await store.get<SnapshotRecord>(key));
  if (snapshot === undefined) throw notFound();
  return { instance, snapshot };
}

/** Rejects with "conflict" while it is made. */
export async function theSnapshotFile(path: Path): Promise<FoundSnapshot & { device: string }> {
  const found = await theSnapshot(path);
  const { device = "" } = path.params;
  const { uuid, devices } = found.snapshot.value;
  const state = stateOf(found.snapshot.value);
  if (state === "deleting") throw notFound();
  if (!devices.includes(device))
    throw new CloudError(
      "not_found",
      `snapshot ${uuid}: has no device ${device}, only ${devices.join(", ")}`,
    );
  if (state !== "created")
    throw new CloudError("conflict", `snapshot ${uuid}: is still being made; ask again when it is created`);
  return { ...found, device };
}

const notFound = (): CloudError => new CloudError("not_found", "snapshot not found");

export interface FoundFile {
  readonly path: string;
  readonly size: number;
}

/** On the instance's node. */
export async function findFile({ config }: Cloud, uuid: string, device: string): Promise<FoundFile> {
  const path = snapshotFile(config, uuid, device);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined)
    throw new CloudError(
      "not_found",
      `snapshot ${uuid}: the file of device ${device} is missing on its node`,
    );
  return { path, size: found.size };
}

export const nodeOf = ({ instance }: FoundSnapshot): string => instance.node;
