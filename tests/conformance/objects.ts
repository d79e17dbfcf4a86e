// The objects of the API, field by field: exactly these keys, and of these types.
import {
  anyText,
  either,
  Matcher,
  type Shape,
  seconds,
  text,
  uuid,
  wholeNumber,
  wholeSeconds,
} from "./shape.ts";

type Fields = Record<string, Shape>;

/** An instance that runs, as the rows ask for it. */
export const instance = (own: Fields = {}): Fields => ({
  uuid,
  name: "first",
  namespace: "a",
  cpus: 1,
  memory: 64,
  disk_spec: [{ size: 1, base: null, bus: null, type: "disk" }],
  ssh_key: null,
  user_data: null,
  node: "sf-test",
  console_port: wholeNumber(30_000, 50_000),
  vdi_port: wholeNumber(30_000, 50_000),
  block_devices: { devices: [device("vda", 1), configDrive("vdb")], finalized: true },
  state: "created",
  state_updated: seconds,
  power_state: "on",
  power_state_previous: "initial",
  power_state_updated: seconds,
  video: { model: "cirrus", memory: 16384 },
  error_message: null,
  node_history: [],
  requested_placement: null,
  placement_attempts: 1,
  ...own,
});

export const device = (name: string, size: number | null): Fields => ({
  type: "qcow2",
  size,
  device: name,
  bus: name.startsWith("vd") ? "virtio" : "ide",
  path: null,
  base: null,
  present_as: "disk",
  snapshot_ignores: false,
});

export const configDrive = (name: string): Fields => ({
  ...device(name, null),
  type: "raw",
  snapshot_ignores: true,
});

export const network = (own: Fields = {}): Fields => ({
  uuid,
  name: "net",
  namespace: "a",
  netblock: "10.0.0.0/24",
  provide_dhcp: null,
  provide_nat: null,
  vxid: wholeNumber(1, 2 ** 24 - 1),
  floating_gateway: null,
  state: "created",
  state_updated: seconds,
  ...own,
});

export const listedNetwork = (own: Fields = {}): Fields => ({
  ...network(own),
  vxlan_id: wholeNumber(1, 2 ** 24 - 1),
});

export const networkInterface = (own: Fields = {}): Fields => ({
  uuid,
  network_uuid: "{network}",
  instance_uuid: "{instance}",
  macaddr: text(/^02:00:00(:[0-9a-f]{2}){3}$/),
  ipv4: text(/^10\.0\.0\.\d+$/),
  order: 0,
  floating: null,
  state: "created",
  state_updated: seconds,
  model: "virtio",
  ...own,
});

const duration = new Matcher("a duration in seconds", (value) => typeof value === "number" && value >= 0);

export const event = (object_type: string, object_uuid: string, own: Fields = {}): Fields => ({
  timestamp: seconds,
  object_type,
  object_uuid,
  fqdn: "sf-test",
  operation: either(null, anyText),
  phase: either(null, anyText),
  duration: either(null, duration),
  message: either(null, anyText),
  ...own,
});

export const snapshot = (own: Fields = {}): Fields => ({
  uuid: "{snapshot}",
  device: "vda",
  instance_uuid: "{instance}",
  created: wholeSeconds,
  state: "created",
  size: wholeNumber(1, 2 ** 40),
  progress: 100,
  ...own,
});

export const image = (own: Fields = {}): Fields => ({
  url: anyText,
  checksum: null,
  size: text(/^\d+$/),
  modified: either(null, text(/GMT$/)),
  fetched: text(/^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} /),
  file_version: wholeNumber(1, 1000),
  version: 1,
  ref: text(/^[0-9a-f]{64}$/),
  node: "sf-test",
  state: "cached",
  phase: null,
  done: null,
  total: null,
  reason: null,
  format: "qcow2",
  virtual_size: wholeNumber(1, 2 ** 50),
  sha256: null,
  used: text(/^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} /),
  in_use: wholeNumber(0, 1000),
  ...own,
});
