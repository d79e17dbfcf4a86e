// Nodes as the store keeps them. `node/` is lasting; `presence/` hangs on the node's lease and goes when the node does;
// `claim/` counts what instances have been promised of the node, changed only together with those instances.

export interface NodeRecord {
  name: string;
  ip: string;
  version: string;
  /** When it last registered, s. */
  lastseen: number;
}

/** What a node says of itself while it is there. */
export interface Presence {
  cpu_max: number;
  memory_max_mib: number;
  memory_available_mib: number;
  disk_free_gib: number;
}

export interface Claim {
  cpus: number;
  memory_mib: number;
  disk_gib: number;
}

export const NODES = "node/";
export const nodeKey = (name: string): string => `${NODES}${name}`;
export const PRESENCES = "presence/";
export const presenceKey = (name: string): string => `${PRESENCES}${name}`;
export const claimKey = (name: string): string => `claim/${name}`;
export const NO_CLAIM: Claim = { cpus: 0, memory_mib: 0, disk_gib: 0 };
