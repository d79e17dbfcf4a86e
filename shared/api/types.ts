// The wire: every object the API sends and every body it takes, field for field. Types only; server and client share them.
// Times are seconds since 1970. Integers are JSON integers: typed clients refuse a float or a string in their place.

export interface Disk {
  size: number | null;
  base: string | null;
  bus: string | null;
  type: string;
}

export interface Video {
  model: string;
  /** KiB */
  memory: number;
}

export interface BlockDevice {
  type: string;
  size: number | null;
  device: string;
  bus: string;
  path: string | null;
  base: string | null;
  present_as: string;
  snapshot_ignores: boolean;
}

export interface BlockDevices {
  devices: BlockDevice[];
  finalized: boolean;
}

export interface Instance {
  uuid: string;
  name: string;
  namespace: string;
  cpus: number;
  /** MiB */
  memory: number;
  disk_spec: Disk[];
  ssh_key: string | null;
  /** base64 */
  user_data: string | null;
  node: string;
  console_port: number;
  vdi_port: number;
  /** null until the disks are made. */
  block_devices: BlockDevices | null;
  state: string;
  state_updated: number;
  power_state: string;
  /** Why it is `unknown`; absent otherwise. */
  power_state_reason?: string;
  /** Absent until the first change of power. */
  power_state_previous?: string;
  power_state_updated?: number;
  video: Video;
  error_message: string | null;
  node_history: string[];
  requested_placement: string | null;
  placement_attempts: number;
  enforced_deletes?: number;
}

export interface Network {
  uuid: string;
  name: string | null;
  namespace: string | null;
  netblock: string;
  provide_dhcp: boolean | null;
  provide_nat: boolean | null;
  vxid: number;
  floating_gateway: string | null;
  state: string;
  state_updated: number;
}

/** A network in a list: `vxlan_id` is the name old clients know for `vxid`. */
export interface ListedNetwork extends Network {
  vxlan_id: number;
}

export interface NetworkInterface {
  uuid: string;
  network_uuid: string;
  instance_uuid: string;
  /** In the caller's case. */
  macaddr: string;
  ipv4: string;
  /** Position in the request, from 0. */
  order: number;
  floating: string | null;
  state: string;
  state_updated: number;
  model: string;
}

export interface Event {
  timestamp: number;
  object_type: string;
  object_uuid: string;
  /** The node's name. */
  fqdn: string;
  operation: string | null;
  phase: string | null;
  duration: number | null;
  message: string | null;
}

export interface Snapshot {
  uuid: string;
  device: string;
  instance_uuid: string;
  /** Whole seconds: the Go client takes no fraction. */
  created: number;
  /** Its file is there, whole, once this is "created". Not told by servers of v0.3, nor are the next two. */
  state?: "creating" | "created";
  /** Bytes of the file; null until it is there. */
  size?: number | null;
  /** Percent of the whole snapshot. */
  progress?: number;
}

export interface Node {
  name: string;
  ip: string;
  lastseen: number;
  version: string;
  /** "present" or "away". */
  state: string;
  /** "hypervisor", and of one node "network node". */
  roles: string[];
  /** Gets no new instances. */
  cordoned: boolean;
}

export interface NodeClaims {
  cpus: number;
  memory_mib: number;
  disk_gib: number;
}

/** An instance as its node's list has it. */
export interface NodeInstance {
  uuid: string;
  name: string;
  namespace: string;
  state: string;
  power_state: string;
}

export interface NodeDetails extends Node {
  /** What is promised to its instances. */
  claims: NodeClaims;
  /** Gauges by name; none when it is away. */
  metrics: Record<string, number>;
  instances: NodeInstance[];
}

export interface ImageRequest {
  /** Or a short name. */
  url: string;
  checksum?: string;
  /** Without it, and without `all`, the node that is asked. */
  node?: string | readonly string[];
  all?: boolean;
}

export interface ImageFilter {
  node?: string | null;
  /** Or a short name. */
  url?: string;
  /** Also what is being fetched for the first time, and what was refused. */
  all?: boolean;
}

export interface ImageMeta {
  url: string;
  /** md5 */
  checksum: string | null;
  /** Content-Length as text: the Go client wants a string. */
  size: string | null;
  modified: string | null;
  /** RFC 2822 */
  fetched: string | null;
  file_version: number;
  version: number;
  /** sha256 of the URL */
  ref: string;
  /** What the node holds: "fetching" and "bad" are not, or not yet, images that can be used. */
  state: "cached" | "fetching" | "bad";
  /** Of a fetch that is under way, also of a newer version: "download", "verify", "convert". */
  phase: string | null;
  /** Bytes of the phase. */
  done: number | null;
  total: number | null;
  /** Why what the server offered last was refused. */
  reason: string | null;
  format: "qcow2" | "raw" | "iso" | null;
  /** Bytes that a disk of it has at least. */
  virtual_size: number | null;
  sha256: string | null;
  /** RFC 2822: when it was last handed out */
  used: string | null;
  /** How many disks stand on it. */
  in_use: number;
  node: string;
}

export interface Lock {
  node: string;
  pid: number;
  operation: string | null;
}

/** By lock path. */
export type Locks = Record<string, Lock>;

/** Values are strings from this client; others may store any JSON. */
export type Metadata = Record<string, unknown>;

export interface ErrorBody {
  error: unknown;
  status: number;
}

export interface DiskRequest {
  /** GB */
  size?: number | string | null;
  base?: string | null;
  bus?: string | null;
  type?: string | null;
  /** Of the base: `sha256:<hex>`, `sha512:<hex>` or `md5:<hex>` */
  checksum?: string | null;
}

export interface NicRequest {
  network_uuid: string;
  address?: string | null;
  macaddress?: string | null;
  model?: string | null;
}

export interface InstanceRequest {
  name: string;
  cpus: number;
  /** MiB */
  memory: number;
  disk: DiskRequest[];
  network?: NicRequest[] | null;
  video?: Video | null;
  ssh_key?: string | null;
  user_data?: string | null;
  namespace?: string | null;
  placed_on?: string;
  instance_uuid?: string;
}

export interface NetworkRequest {
  netblock: string;
  name: string;
  provide_dhcp?: boolean | null;
  provide_nat?: boolean | null;
  namespace?: string | null;
}

/** Something that a check of the doctor found. */
export interface Finding {
  subject: string;
  problem: string;
  /** What a person types or does about it. */
  mend: string;
  /** Whether the node can do that itself. */
  mendable: boolean;
  /** Whether it did; absent where that was not asked, or is not possible. */
  mended?: boolean;
  /** Why it could not. */
  failure?: string;
}

/** The outcome of one check. */
export interface Diagnosis {
  check: string;
  summary: string;
  /** "node", or "cloud" for one that is the same on every node. */
  scope: string;
  /** "ok", "found", or "unknown" for one that could not be asked. */
  state: string;
  /** Why it is unknown, or that more was found than is listed; else null. */
  reason: string | null;
  findings: Finding[];
}

/** Which checks of the doctor are asked; all of them without. */
export interface DoctorWish {
  scope?: "node" | "cloud";
  /** By name. */
  checks?: readonly string[];
}
