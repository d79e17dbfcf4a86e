// Makes this node carry a network exactly as the records say: all of it, or nothing.
import type { Cloud } from "../cloud.ts";
import { isKind } from "../errors.ts";
import { isNetworkNode } from "../nodes/network-node.ts";
import { NODES, type NodeRecord } from "../nodes/record.ts";
import type { Gateway, NetworkPlan } from "../ports/network/network.ts";
import { put, remove } from "../ports/store/store.ts";
import { interfacesOn } from "./find.ts";
import {
  type CarrierRecord,
  carrierKey,
  type InterfaceRecord,
  isCarried,
  type NetworkRecord,
  networkKey,
} from "./record.ts";
import { guardGuests, tapsOf, tellMended } from "./taps.ts";

export interface ConvergeOptions {
  reason?: "change" | "upkeep";
  /** The revision of the store that matters: what began to be made true since then, a moment ago, is not looked at again. */
  since?: number;
}

/**
 * One at a time a network, so that an older plan never overwrites a newer one. A network of which nothing is known is left
 * alone. What had been damaged is an event of the network; what is new is not.
 */
export function convergeNetwork(
  cloud: Cloud,
  uuid: string,
  { reason = "change", since = Number.POSITIVE_INFINITY }: ConvergeOptions = {},
): Promise<void> {
  return cloud.mutex.share(
    `network/${uuid}`,
    () => cloud.store.mirror.revision(),
    since,
    async () => {
      const network = cloud.store.mirror.get<NetworkRecord>(networkKey(uuid))?.value;
      const isHere = network !== undefined && belongsHere(cloud, network);
      await bothDone(
        isHere ? carry(cloud, network, reason) : letGo(cloud, uuid, network),
        guardGuests(cloud),
      );
    },
  );
}

/** Nothing goes on behind the caller's back when one of them fails. */
async function bothDone(...work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}

async function carry(cloud: Cloud, network: NetworkRecord, reason: "change" | "upkeep"): Promise<void> {
  await noteCarrier(cloud, network);
  const plan = planOf(cloud, network);
  const isKnown = cloud.network.holds(plan) || (reason === "upkeep" && network.state === "created");
  const mended = await cloud.network.ensure(plan);
  if (isKnown && mended.length > 0) tellMended(cloud, network.uuid, mended);
}

/** Whoever makes use of the network here has written it; a node that becomes the network node has not been named before. */
async function noteCarrier(cloud: Cloud, { uuid, vxid }: NetworkRecord): Promise<void> {
  const key = carrierKey(cloud.node.name, uuid);
  if (cloud.store.mirror.get(key) === undefined) await cloud.store.commit([put(key, { vxid })]);
}

/** Somebody who begins to use the network here meanwhile has written the key again: then it stays. */
async function letGo(cloud: Cloud, uuid: string, network: NetworkRecord | undefined): Promise<void> {
  const carrier = cloud.store.mirror.get<CarrierRecord>(carrierKey(cloud.node.name, uuid));
  const vxid = carrier?.value.vxid ?? network?.vxid;
  if (vxid === undefined) return;
  await cloud.network.remove({ uuid, vxid });
  if (carrier === undefined) return;
  await cloud.store.commit([remove(carrier)]).catch((error: unknown) => {
    if (!isKind(error, "conflict")) throw error;
  });
}

/** Something that this node carries, or should, changed on the network. */
export async function followNetwork(cloud: Cloud, uuid: string): Promise<void> {
  const network = cloud.store.mirror.get<NetworkRecord>(networkKey(uuid))?.value;
  const hasLinks = cloud.store.mirror.get(carrierKey(cloud.node.name, uuid)) !== undefined;
  if (hasLinks || (network !== undefined && belongsHere(cloud, network))) await convergeNetwork(cloud, uuid);
}

/** The network node carries every living network, another node those of its instances. */
export function belongsHere(cloud: Cloud, network: NetworkRecord): boolean {
  if (!isCarried(network)) return false;
  return (
    isNetworkNode(cloud) || interfacesOn(cloud, network.uuid).some(({ node }) => node === cloud.node.name)
  );
}

function planOf(cloud: Cloud, network: NetworkRecord): NetworkPlan {
  const interfaces = interfacesOn(cloud, network.uuid);
  const plan = {
    uuid: network.uuid,
    vxid: network.vxid,
    netblock: network.netblock,
    mtu: cloud.mtu,
    mesh: meshOf(cloud, interfaces),
    taps: tapsOf(cloud, interfaces),
  };
  return isNetworkNode(cloud) ? { ...plan, gateway: gatewayOf(cloud, network, interfaces) } : plan;
}

/** The other nodes that carry the network: the network node and those of its interfaces. */
function meshOf(cloud: Cloud, interfaces: readonly InterfaceRecord[]): string[] {
  const hosts = new Set(interfaces.map(({ node }) => node));
  const nodes = cloud.store.mirror.list<NodeRecord>(NODES).map(({ value }) => value);
  const addresses = nodes.filter(({ name }) => hosts.has(name)).map(({ ip }) => ip);
  const all = new Set([...addresses, cloud.config.NETWORK_NODE_IP || cloud.node.ip]);
  all.delete(cloud.node.ip);
  return [...all].sort();
}

function gatewayOf(cloud: Cloud, network: NetworkRecord, interfaces: readonly InterfaceRecord[]): Gateway {
  const hosts = interfaces.map(({ macaddr, ipv4, host_name }) => ({
    macaddr: macaddr.toLowerCase(),
    name: host_name,
    address: ipv4,
  }));
  const floating = interfaces.flatMap(({ floating: address, ipv4 }) =>
    address === null ? [] : [{ address, inner: ipv4 }],
  );
  return {
    ...(network.provide_dhcp
      ? { dhcp: { domain: cloud.config.ZONE, dns: [cloud.config.DNS_SERVER], hosts } }
      : {}),
    ...(network.floating_gateway === null ? {} : { nat: { address: network.floating_gateway } }),
    floating,
  };
}
