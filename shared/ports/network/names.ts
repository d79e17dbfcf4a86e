// Every name that the network port gives to a thing of the kernel. The kernel cuts nothing: a link name has 15 characters at most.

const MAX_LINK_NAME = 15;

export const vxlanLink = (vxid: number) => `vxlan-${vxid}`;
export const bridgeLink = (vxid: number) => `br-vxlan-${vxid}`;
/** The router's cable: outer end on the network's bridge, inner end in its namespace. */
export const routerOuter = (vxid: number) => `veth-${vxid}-o`;
export const routerInner = (vxid: number) => `veth-${vxid}-i`;
/** The cable to the world: outer end on the physical bridge, inner end in the namespace. */
export const egressOuter = (vxid: number) => `phy-${vxid}-o`;
export const egressInner = (vxid: number) => `phy-${vxid}-i`;

/** The bridge of the floating network; a long interface name is cut. */
export const physicalBridge = (egressNic: string) => `phy-br-${egressNic}`.slice(0, MAX_LINK_NAME);

/** A link group of the network's own, by which the kernel takes all its links away in one go. */
export const linkGroup = (vxid: number) => 0x5f000000 + vxid;

/** The table that holds all our rules, on the node and in each namespace. */
export const RULES_TABLE = "shakenfist";

/** The network that a link belongs to by its name; undefined for links that are not ours. */
export function vxidOfLink(name: string): number | undefined {
  const match = /^(?:vxlan-([1-9]\d*)|br-vxlan-([1-9]\d*)|(?:veth|phy)-([1-9]\d*)-o)$/.exec(name);
  const digits = match?.[1] ?? match?.[2] ?? match?.[3];
  return digits === undefined ? undefined : Number(digits);
}

/** An end of our cables inside a namespace. */
export const isInnerCable = (name: string): boolean => /^(veth|phy)-[1-9]\d*-i$/.test(name);
