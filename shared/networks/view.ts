// Networks and interfaces as the wire shows them.
import type { ListedNetwork, Network, NetworkInterface } from "../api/types.ts";
import type { InterfaceRecord, NetworkRecord } from "./record.ts";

export function viewNetwork(record: NetworkRecord): Network {
  return {
    uuid: record.uuid,
    name: record.name,
    namespace: record.namespace,
    netblock: record.netblock,
    provide_dhcp: record.provide_dhcp,
    provide_nat: record.provide_nat,
    vxid: record.vxid,
    floating_gateway: record.floating_gateway,
    state: record.state,
    state_updated: record.state_updated,
  };
}

export const viewListedNetwork = (record: NetworkRecord): ListedNetwork => ({
  ...viewNetwork(record),
  vxlan_id: record.vxid,
});

export function viewInterface(record: InterfaceRecord): NetworkInterface {
  return {
    uuid: record.uuid,
    network_uuid: record.network_uuid,
    instance_uuid: record.instance_uuid,
    macaddr: record.macaddr,
    ipv4: record.ipv4,
    order: record.order,
    floating: record.floating,
    state: record.state,
    state_updated: record.state_updated,
    model: record.model,
  };
}
