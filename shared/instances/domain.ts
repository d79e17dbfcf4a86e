// The domain of an instance: what its template is filled with, defining it and starting it.
import type { Cloud } from "../cloud.ts";
import type { Config } from "../config.ts";
import { CloudError, isKind } from "../errors.ts";
import { type InterfaceRecord, type NetworkRecord, networkKey } from "../networks/record.ts";
import { tapName } from "../networks/taps.ts";
import { interfacesOf } from "./find.ts";
import { consoleLog } from "./paths.ts";
import { isPortTaken, movePorts } from "./ports.ts";
import type { InstanceRecord } from "./record.ts";

const PORT_ATTEMPTS = 3;

type DomainInterface = Pick<InterfaceRecord, "uuid" | "macaddr" | "model"> & { vxid: number };

export function domainValues(
  config: Config,
  instance: InstanceRecord,
  interfaces: readonly DomainInterface[],
): Record<string, unknown> {
  return {
    uuid: instance.uuid,
    name: `sf:${instance.uuid}`,
    instance_name: instance.name,
    cpus: instance.cpus,
    memory_kib: instance.memory_mib * 1024,
    virt_type: config.VIRT_TYPE,
    disks: (instance.block_devices?.devices ?? []).map(({ path, type, device, bus, present_as }) => ({
      path,
      format: type,
      device,
      bus,
      present_as,
    })),
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

/** Makes the domain what the record says; nothing is started. */
export async function defineDomain(cloud: Cloud, instance: InstanceRecord): Promise<void> {
  const interfaces = interfacesOf(cloud, instance).map(({ value }) => ({
    ...value,
    vxid: requireNetwork(cloud, value.network_uuid).vxid,
  }));
  await cloud.hypervisor.define(cloud.render("domain.xml", domainValues(cloud.config, instance, interfaces)));
}

/** Defines and starts it; where another program of the node has one of its ports, on others. */
export async function startDomain(cloud: Cloud, record: InstanceRecord): Promise<void> {
  let instance = record;
  for (let attempt = 1; ; attempt++) {
    await defineDomain(cloud, instance);
    try {
      return await cloud.hypervisor.start(instance.uuid);
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
