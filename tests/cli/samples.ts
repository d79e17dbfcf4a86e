// Objects as the API sends them, for the client's tests.
import type {
  Event,
  Instance,
  ListedNetwork,
  NetworkInterface,
  Node,
  NodeDetails,
  Snapshot,
} from "#shared/api/types.ts";

export const instance: Instance = {
  uuid: "i-1",
  name: "web",
  namespace: "alice",
  cpus: 1,
  memory: 1024,
  disk_spec: [
    { size: 8, base: "cirros", bus: null, type: "disk" },
    { size: null, base: "http://x/a.iso", bus: "ide", type: "cdrom" },
  ],
  ssh_key: null,
  user_data: "IyEvYmluL3No",
  node: "sf-1",
  console_port: 30001,
  vdi_port: 30002,
  block_devices: null,
  state: "created",
  state_updated: 1602463847.5,
  power_state: "on",
  video: { model: "cirrus", memory: 16384 },
  error_message: null,
  node_history: [],
  requested_placement: null,
  placement_attempts: 1,
};

export const nic: NetworkInterface = {
  uuid: "f-1",
  network_uuid: "n-1",
  instance_uuid: "i-1",
  macaddr: "02:00:00:AA:bb:01",
  ipv4: "10.0.0.5",
  order: 0,
  floating: null,
  state: "created",
  state_updated: 1602463847.5,
  model: "virtio",
};

export const network: ListedNetwork = {
  uuid: "n-1",
  name: "mynet",
  namespace: "alice",
  netblock: "10.0.0.0/24",
  provide_dhcp: true,
  provide_nat: false,
  vxid: 7,
  vxlan_id: 7,
  floating_gateway: null,
  state: "created",
  state_updated: 1602463847.5,
};

export const snapshot: Snapshot = {
  uuid: "s-1",
  device: "vda",
  instance_uuid: "i-1",
  created: 1602463847,
  state: "created",
  size: 7,
  progress: 100,
};

export const node: Node = {
  name: "sf-1",
  ip: "10.1.0.1",
  lastseen: 1602463847.5,
  version: "0.4.0",
  state: "present",
  roles: ["hypervisor", "network node"],
  cordoned: false,
};

export const nodeDetails: NodeDetails = {
  ...node,
  claims: { cpus: 1, memory_mib: 1024, disk_gib: 8 },
  metrics: { cpu_max: 8, cpu_load_1: 0.25, memory_available: 31000 },
  instances: [{ uuid: "i-1", name: "web", namespace: "alice", state: "created", power_state: "on" }],
};

export const event: Event = {
  timestamp: 1602463847.25,
  object_type: "instance",
  object_uuid: "i-1",
  fqdn: "sf-1",
  operation: "trigger",
  phase: null,
  duration: 1.5,
  message: "login prompt",
};
