// The links that a network has on a node: VXLAN and bridge everywhere, and the two cables of its namespace on the network node.
import { CloudError } from "../../errors.ts";
import type { Found } from "./ip.ts";
import { bridgeType, type Changes, type LinkSpec, linkChanges } from "./links.ts";
import * as names from "./names.ts";
import type { NetworkPlan } from "./network.ts";

const VXLAN_PORT = 8472;

/** How this node takes part in the mesh. */
export interface Underlay {
  egressNic: string;
  /** This node's own address in the mesh. */
  nodeAddress: string;
}

/** Every link of the network on this node, the bridge first. */
export function linksOf(vxid: number): string[] {
  return [names.bridgeLink, names.vxlanLink, names.routerOuter, names.egressOuter].map((name) => name(vxid));
}

/** Links of this number that carry the mark of another network: left from one that had the number before. */
export function strangers(network: { uuid: string; vxid: number }, outside: Found): string[] {
  return linksOf(network.vxid).filter((name) => {
    const owner = outside.links.get(name)?.ifalias;
    return owner !== undefined && owner !== network.uuid;
  });
}

/** What takes the network's own links away: by their group where it is theirs alone, as the kernel then waits only once. */
export function linkRemoval(network: { uuid: string; vxid: number }, outside: Found): string[] {
  const foreign = strangers(network, outside);
  const own = [...outside.links.values()].filter((link) => !foreign.includes(link.ifname));
  const group = String(names.linkGroup(network.vxid));
  if (own.length > 0 && foreign.length === 0 && own.every((link) => link.group === group))
    return [`link delete group ${group}`];
  return own.map((link) => `link delete ${link.ifname}`);
}

/** What makes the links of the network right; `inside` tells which ends of the cables are in the namespace. */
export function networkLinkChanges(
  plan: NetworkPlan,
  underlay: Underlay,
  outside: Found,
  inside: Found,
): Changes {
  if (!outside.links.has(underlay.egressNic))
    throw new CloudError("internal", `${underlay.egressNic}: there is no such interface on this node`);
  const specs = [bridge(plan), vxlan(plan, underlay)];
  if (plan.gateway !== undefined)
    specs.push(routerCable(plan, inside), egressCable(plan, underlay, outside, inside));
  return linkChanges(specs, outside);
}

function bridge({ uuid, vxid, mtu }: NetworkPlan): LinkSpec {
  return {
    name: names.bridgeLink(vxid),
    kind: "bridge",
    ...bridgeType(0),
    options: { mtu, group: names.linkGroup(vxid) },
    owner: uuid,
    silent: true,
  };
}

function vxlan({ uuid, vxid, mtu }: NetworkPlan, { egressNic, nodeAddress }: Underlay): LinkSpec {
  return {
    name: names.vxlanLink(vxid),
    kind: "vxlan",
    type: `id ${vxid} dev ${egressNic} local ${nodeAddress} dstport ${VXLAN_PORT}`,
    data: { id: vxid, link: egressNic, local: nodeAddress, port: VXLAN_PORT },
    options: { mtu, master: names.bridgeLink(vxid), group: names.linkGroup(vxid) },
    owner: uuid,
  };
}

function routerCable({ uuid, vxid, mtu }: NetworkPlan, inside: Found): LinkSpec {
  const inner = names.routerInner(vxid);
  return {
    name: names.routerOuter(vxid),
    kind: "veth",
    type: `peer name ${inner} mtu ${mtu} netns ${uuid}`,
    data: {},
    options: { mtu, master: names.bridgeLink(vxid), group: names.linkGroup(vxid) },
    owner: uuid,
    broken: !inside.links.has(inner),
  };
}

function egressCable(plan: NetworkPlan, underlay: Underlay, outside: Found, inside: Found): LinkSpec {
  const inner = names.egressInner(plan.vxid);
  const physical = names.physicalBridge(underlay.egressNic);
  if (!outside.links.has(physical))
    throw new CloudError("internal", `network ${plan.uuid}: this node has no ${physical}`);
  return {
    name: names.egressOuter(plan.vxid),
    kind: "veth",
    type: `peer name ${inner} netns ${plan.uuid}`,
    data: {},
    options: { master: physical, group: names.linkGroup(plan.vxid) },
    owner: plan.uuid,
    broken: !inside.links.has(inner),
  };
}
