// The domain of an instance: what its template is filled with, defining it and starting it.
import type { Cloud } from "../cloud.ts";
import type { Config } from "../config.ts";
import { CloudError, isKind } from "../errors.ts";
import { type InterfaceRecord, type NetworkRecord, networkKey } from "../networks/record.ts";
import { tapName } from "../networks/taps.ts";
import { interfacesOf } from "./find.ts";
import { consoleLog } from "./paths.ts";
import { isPortTaken, movePorts } from "./ports.ts";
import type { BlockDevice, InstanceRecord } from "./record.ts";

const PORT_ATTEMPTS = 3;
const CONFIG_DRIVE = 1;
const DISKS_OF_CONTROLLER = 7;

type DomainInterface = Pick<InterfaceRecord, "uuid" | "macaddr" | "model"> & { vxid: number };

export function domainValues(
  config: Config,
  instance: InstanceRecord,
  interfaces: readonly DomainInterface[],
): Record<string, unknown> {
  const devices = instance.block_devices?.devices ?? [];
  const bootable = inBootOrder(devices);
  return {
    uuid: instance.uuid,
    name: `sf:${instance.uuid}`,
    instance_name: instance.name,
    cpus: instance.cpus,
    memory_kib: instance.memory_mib * 1024,
    virt_type: config.VIRT_TYPE,
    disks: devices.map((each) => ({
      path: each.path,
      format: each.type,
      device: each.device,
      bus: each.bus,
      present_as: each.present_as,
      boot_order: bootable.indexOf(each) + 1,
    })),
    scsi_controllers: scsiControllers(devices),
    interfaces: interfaces.map(({ uuid, macaddr, model, vxid }) => ({
      macaddr,
      model,
      bridge: `br-vxlan-${vxid}`,
      tap: tapName(uuid),
    })),
    console: {
      address: config.CONSOLE_ADDRESS,
      port: instance.console_port,
      log_path: consoleLog(config, instance.uuid),
    },
    vnc: { address: config.CONSOLE_ADDRESS, port: instance.vdi_port },
    video: instance.video,
  };
}

/** Disks before CD-ROMs, each in the order of the request: what an installer put on a disk is started next time. */
function inBootOrder(devices: readonly BlockDevice[]): BlockDevice[] {
  const all = devices.filter((_, position) => position !== CONFIG_DRIVE);
  return ["disk", "cdrom"].flatMap((kind) => all.filter(({ present_as }) => present_as === kind));
}

/** Their indexes: libvirt 9.0 puts seven letters on one, and adds what is missing as a model of its own choice. */
function scsiControllers(devices: readonly BlockDevice[]): number[] {
  const places = devices
    .filter(({ bus }) => bus === "scsi")
    .map(({ device }) => device.charCodeAt(2) - "a".charCodeAt(0));
  if (places.length === 0) return [];
  return Array.from(
    { length: Math.floor(Math.max(...places) / DISKS_OF_CONTROLLER) + 1 },
    (_, index) => index,
  );
}

/** Makes the domain what the record says; nothing is started. */
export async function defineDomain(cloud: Cloud, instance: InstanceRecord): Promise<void> {
  const interfaces = interfacesOf(cloud, instance).map(({ value }) => ({
    ...value,
    vxid: requireNetwork(cloud, value.network_uuid).vxid,
  }));
  await cloud.hypervisor.define(cloud.render("domain.xml", domainValues(cloud.config, instance, interfaces)));
}

/** Defines and starts it; where another program of the node has one of its ports, on others. */
export async function startDomain(
  cloud: Cloud,
  record: InstanceRecord,
  options: { paused?: boolean } = {},
): Promise<void> {
  let instance = record;
  for (let attempt = 1; ; attempt++) {
    await defineDomain(cloud, instance);
    try {
      return await cloud.hypervisor.start(instance.uuid, options);
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || !isPortTaken(error)) throw error;
      // Without other ports to give, QEMU's own words say what is wrong.
      const moved = await movePorts(cloud, instance.uuid).catch((cause: unknown) => {
        throw isKind(cause, "insufficient") ? error : cause;
      });
      if (moved === undefined) throw error;
      tellMove(cloud, instance, moved);
      instance = moved;
    }
  }
}

function tellMove(cloud: Cloud, from: InstanceRecord, to: InstanceRecord): void {
  const message = `${from.console_port}, ${from.vdi_port} -> ${to.console_port}, ${to.vdi_port}`;
  cloud.events.record("instance", to.uuid, { operation: "ports changed", phase: "in use", message });
}

export function requireNetwork(cloud: Cloud, uuid: string): NetworkRecord {
  const network = cloud.store.mirror.get<NetworkRecord>(networkKey(uuid))?.value;
  if (network === undefined) throw new CloudError("not_found", `network ${uuid} not found`);
  return network;
}
