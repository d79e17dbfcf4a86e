// What the template of a domain is filled with.
import type { Config } from "../config.ts";
import type { InterfaceRecord } from "../networks/record.ts";
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
