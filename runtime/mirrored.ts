// The prefixes of the store that a node has in memory: what reads are answered from. Events, MACs and locks are asked for
// where they are.

export const MIRRORED: readonly string[] = [
  "namespace/",
  "namespace-users/",
  "key/",
  "instance/",
  "snapshot/",
  "interface/",
  "network/",
  "network-users/",
  "address/",
  "vxid/",
  "carrier/",
  "port/",
  "node/",
  "presence/",
  "metrics/",
  "claim/",
  "job/",
  "image/",
  "fetch/",
  "bad_image/",
];
