// Nodes as the store keeps them. `node/` is lasting; `presence/`, `metrics/` and `node-address/` hang on the node's lease and
// go when the node does; `claim/` counts what instances have been promised of the node, changed only together with those
// instances.

export interface NodeRecord {
  name: string;
  ip: string;
  version: string;
  /** When it was last known to be there, within half a minute; s. */
  lastseen: number;
  /** Gets no new instances. */
  cordoned?: boolean;
  /** Its removal has begun: it gets no new instances and may not register. */
  removing?: boolean;
}

/** What a machine has to give. */
export interface Capacity {
  cpu_max: number;
  memory_max_mib: number;
  memory_available_mib: number;
  disk_free_gib: number;
}

/** What a node says of itself while it is there. */
export interface Presence extends Capacity {
  /** Tells a node's own former presence from that of another node of the same name. */
  installation: string;
  /** When its capacity was looked at, s by the node's own clock. */
  measured: number;
}

/** Who has an address, as long as it is there. */
export interface NodeAddress {
  name: string;
  installation: string;
}

/** Gauges by their names. */
export type Metrics = Readonly<Record<string, number>>;

export interface Claim {
  cpus: number;
  memory_mib: number;
  disk_gib: number;
}

export const NODES = "node/";
export const nodeKey = (name: string): string => `${NODES}${name}`;
export const PRESENCES = "presence/";
export const presenceKey = (name: string): string => `${PRESENCES}${name}`;
export const metricsKey = (name: string): string => `metrics/${name}`;
export const nodeAddressKey = (ip: string): string => `node-address/${ip}`;
export const CLAIMS = "claim/";
export const claimKey = (name: string): string => `${CLAIMS}${name}`;
export const NO_CLAIM: Claim = { cpus: 0, memory_mib: 0, disk_gib: 0 };
