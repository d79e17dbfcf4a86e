// The domain of an instance: what its template is filled with, and defining it.
import type { Cloud } from "../cloud.ts";
import type { Config } from "../config.ts";
import { CloudError } from "../errors.ts";
import { type InterfaceRecord, type NetworkRecord, networkKey } from "../networks/record.ts";
import { interfacesOf } from "./find.ts";
import { consoleLog } from "./paths.ts";
import type { InstanceRecord } from "./record.ts";

type DomainInterface = Pick<InterfaceRecord, "uuid" | "macaddr" | "model"> & { vxid: number };

/** Link names have at most 15 characters; 12 hex digits of a UUID are unique enough on one node. */
export const tapName = (interfaceUuid: string): string =>
  `sf-${interfaceUuid.replaceAll("-", "").slice(0, 12)}`;

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

export function requireNetwork(cloud: Cloud, uuid: string): NetworkRecord {
  const network = cloud.store.mirror.get<NetworkRecord>(networkKey(uuid))?.value;
  if (network === undefined) throw new CloudError("not_found", `network ${uuid} not found`);
  return network;
}
