// The steps that bring an instance up, each safe to repeat: network, images, config drive, disks, domain.
import { randomBytes } from "node:crypto";
import { chmod, mkdir } from "node:fs/promises";
import type { Cloud, NewEvent } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { ensureImage } from "../images/cache.ts";
import { makeDisk } from "../images/disks.ts";
import type { JobContext } from "../jobs.ts";
import type { Change, Entry } from "../ports/store/store.ts";
import { replace } from "../ports/store/store.ts";
import { configDriveFiles, makeConfigDrive as writeConfigDrive } from "./config-drive.ts";
import { devicesOf } from "./devices.ts";
import { requireNetwork, startDomain } from "./domain.ts";
import { interfacesOf } from "./find.ts";
import { carryNetworks, joinNetworks } from "./networks.ts";
import { instanceDirectory } from "./paths.ts";
import { powerChange } from "./power.ts";
import type { DiskBase, InstanceRecord } from "./record.ts";
import { enterState, inState, updateInstance } from "./states.ts";

type Context = JobContext<InstanceRecord>;

/** Late: each node begins to make a network ready for an interface as soon as that is there. */
export const ensureNetworksExist = ({ cloud, subject }: Context): Promise<void> =>
  joinNetworks(cloud, subject.value);

/** Also settles which devices the disks become: that depends on what the images are. */
export async function fetchImages(context: Context): Promise<void> {
  const { cloud, subject } = context;
  const { uuid } = subject.value;
  const [bases] = await Promise.all([basesOf(context), enterState(cloud, uuid, "creating")]);
  const devices = devicesOf(cloud.config, subject.value, bases);
  const crowded = devices.find(({ bus, device }) => bus === "ide" && device > "hdd");
  if (crowded !== undefined)
    throw new CloudError("malformed", `disk ${crowded.device}: ide has room for hda to hdd only`);
  await updateInstance(cloud, uuid, (entry) =>
    replace(entry, { ...entry.value, block_devices: { devices, finalized: false } }),
  );
}

function basesOf({ cloud, subject, signal }: Context): Promise<(DiskBase | null)[]> {
  const { uuid, disk_spec } = subject.value;
  const record = (event: NewEvent) => cloud.events.record("instance", uuid, event);
  return Promise.all(
    disk_spec.map(async ({ base }) => {
      if (base === null || base === "") return null;
      const { path, format, kind, virtual_size_bytes } = await ensureImage(cloud, base, { record, signal });
      return { path, format, kind, virtual_size_bytes };
    }),
  );
}

export async function makeConfigDrive({ cloud, subject }: Context): Promise<void> {
  const instance = subject.value;
  await makeDirectory(cloud, instance.uuid);
  const interfaces = interfacesOf(cloud, instance).map(({ value }) => ({
    uuid: value.uuid,
    order: value.order,
    macaddr: value.macaddr,
    ipv4: value.ipv4,
    network: {
      uuid: value.network_uuid,
      netblock: requireNetwork(cloud, value.network_uuid).netblock,
      mtu: cloud.mtu,
    },
  }));
  const { ZONE: zone, DNS_SERVER: dns } = cloud.config;
  const random_seed = randomBytes(512).toString("base64");
  const drive = requireDevices(instance)[1];
  if (drive === undefined) throw new CloudError("internal", `instance ${instance.uuid}: has no config drive`);
  const files = configDriveFiles({ instance, interfaces, zone, dns, random_seed });
  await writeConfigDrive(cloud.exec, files, drive.path);
}

export async function createDisks({ cloud, subject, signal }: Context): Promise<void> {
  const { uuid } = subject.value;
  const devices = requireDevices(subject.value);
  for (const { path, size, base } of devices.filter((_, index) => index !== 1)) {
    await makeDisk(cloud.exec, {
      path,
      size_gib: size,
      disk_format: cloud.config.DISK_FORMAT,
      signal,
      ...(base === null ? {} : { base }),
    });
  }
  await updateInstance(cloud, uuid, (entry) =>
    replace(entry, { ...entry.value, block_devices: { devices, finalized: true } }),
  );
}

export async function createDomain({ cloud, subject }: Context): Promise<void> {
  try {
    await startDomain(cloud, subject.value);
  } catch (error) {
    // Somebody may have taken away what it stands on: the next try finds it there.
    await carryNetworks(cloud, subject.value);
    throw error;
  }
}

/** What is true once the domain runs. */
export function started({ cloud, subject }: Context): Change[] {
  const power = powerChange(cloud, subject.value, "on");
  return [
    inState(cloud, subject, "created", power),
    ...interfacesOf(cloud, subject.value).map((each) => created(cloud, each)),
  ];
}

const created = (cloud: Cloud, entry: Entry<{ state: string }>): Change =>
  replace(entry, { ...entry.value, state: "created", state_updated: cloud.clock.now() });

async function makeDirectory(cloud: Cloud, uuid: string): Promise<void> {
  const directory = instanceDirectory(cloud.config, uuid);
  await mkdir(directory, { recursive: true });
  // QEMU's user must be able to enter it, whatever this process's umask is.
  await chmod(directory, 0o755);
}

function requireDevices({ uuid, block_devices }: InstanceRecord) {
  if (block_devices === null) throw new CloudError("internal", `instance ${uuid}: its disks are not settled`);
  return block_devices.devices;
}
