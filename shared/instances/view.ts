// Instances as the wire shows them: host paths stay here.
import type { Instance } from "../api/types.ts";
import type { InstanceRecord } from "./record.ts";
import type { SeenInstance } from "./seen.ts";

export function viewInstance(record: SeenInstance): Instance {
  return {
    uuid: record.uuid,
    name: record.name,
    namespace: record.namespace,
    cpus: record.cpus,
    memory: record.memory_mib,
    disk_spec: record.disk_spec,
    ssh_key: record.ssh_key,
    user_data: record.user_data,
    node: record.node,
    console_port: record.console_port,
    vdi_port: record.vdi_port,
    block_devices: viewBlockDevices(record),
    state: record.state,
    state_updated: record.state_updated,
    power_state: record.power_state,
    ...(record.power_state_reason === undefined ? {} : { power_state_reason: record.power_state_reason }),
    ...(record.power_state_previous === null || record.power_state_updated === null
      ? {}
      : {
          power_state_previous: record.power_state_previous,
          power_state_updated: record.power_state_updated,
        }),
    video: record.video,
    error_message: record.error_message,
    node_history: [],
    requested_placement: record.requested_placement,
    placement_attempts: record.placement_attempts,
  };
}

function viewBlockDevices({ block_devices, disk_spec }: InstanceRecord): Instance["block_devices"] {
  if (block_devices === null || !block_devices.finalized) return null;
  const devices = block_devices.devices.map(
    ({ type, size, device, bus, present_as, snapshot_ignores }, index) => ({
      type,
      size,
      device,
      bus,
      path: null,
      base: (index === 1 ? null : disk_spec[index === 0 ? 0 : index - 1]?.base) ?? null,
      present_as,
      snapshot_ignores,
    }),
  );
  return { devices, finalized: true };
}
