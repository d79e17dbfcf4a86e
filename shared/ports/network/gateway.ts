// The inside of a network's namespace on the network node: the router's address, the floating addresses, routing.
import { statfs } from "node:fs/promises";
import { CloudError } from "../../errors.ts";
import { type Found, type FoundLink, hasIpv6, type Ip } from "./ip.ts";
import { egressInner, egressOuter, physicalBridge, routerInner, routerOuter } from "./names.ts";
import { parseNetblock } from "./netblock.ts";
import type { Gateway, NetworkPlan } from "./network.ts";

const NSFS_MAGIC = 0x6e736673;

/** What is at the namespace's name: `stale` is a file that leads to no namespace, as a crash may leave it. */
export async function namespaceState(uuid: string): Promise<"present" | "absent" | "stale"> {
  try {
    const { type } = await statfs(`/run/netns/${uuid}`);
    return type === NSFS_MAGIC ? "present" : "stale";
  } catch {
    return "absent";
  }
}

export function readInside(ip: Ip, plan: NetworkPlan): Promise<Found> {
  const names = ["lo", routerInner(plan.vxid), egressInner(plan.vxid)];
  const lines = names.flatMap((name) => [`address show dev ${name}`, `netconf show dev ${name}`]);
  return ip.read([...lines, "route show default"], plan.uuid);
}

export interface InsideChanges {
  /** For `ip` in the namespace. */
  commands: string[];
  /** Floating addresses that are new here: the host may still know an older place for them. */
  arrived: string[];
  mended: string[];
}

/** `outside` holds the node's links, `inside` the namespace's. */
export function insideChanges(
  plan: NetworkPlan,
  gateway: Gateway,
  egressNic: string,
  outside: Found,
  inside: Found,
): InsideChanges {
  const { vxid } = plan;
  const { router, prefix } = parseNetblock(plan.netblock);
  const egress = egressAddresses(gateway);
  const changes: InsideChanges = { commands: [], arrived: [], mended: [] };
  const note = (what: string, commands: string[]) => {
    changes.commands.push(...commands);
    if (commands.length > 0) changes.mended.push(what);
  };

  if (!isUp(inside.links.get("lo"))) note("mend lo", ["link set lo up"]);
  const inner = inside.links.get(routerInner(vxid));
  note("mend router address", addressCommands(routerInner(vxid), inner, [`${router}/${prefix}`], plan.mtu));

  const outer = inside.links.get(egressInner(vxid));
  const known = addressesOf(outer);
  if (egress.length === 0) {
    if (known.length > 0 || isUp(outer)) note("mend floating addresses", downCommands(egressInner(vxid)));
    return changes;
  }
  changes.arrived = egress.filter((address) => !known.includes(`${address}/32`));
  const wanted = egress.map((address) => `${address}/32`);
  note("mend floating addresses", addressCommands(egressInner(vxid), outer, wanted));
  note("mend default route", routeCommands(plan, egressNic, outside, inside, changes.commands.length > 0));
  return changes;
}

/** True where every cable of the namespace passes packets on. */
export function isRouting(plan: NetworkPlan, inside: Found): boolean {
  return [routerInner(plan.vxid), egressInner(plan.vxid)].every((name) =>
    inside.forwarding.some((it) => it.family === "inet" && it.interface === name && it.forwarding),
  );
}

/** The switches of `isRouting`; the first also counts for cables made later. */
export function routingSwitches(plan: NetworkPlan): string[] {
  const links = [routerInner(plan.vxid), egressInner(plan.vxid)];
  const perLink = links.map((name) => `/proc/sys/net/ipv4/conf/${name}/forwarding`);
  return ["/proc/sys/net/ipv4/ip_forward", ...perLink];
}

/** All are /32: what is not this network's own goes by the host, which always knows where an address is now. */
function egressAddresses({ nat, floating }: Gateway): string[] {
  return [...new Set([...(nat === undefined ? [] : [nat.address]), ...floating.map((it) => it.address)])];
}

function addressCommands(
  name: string,
  link: FoundLink | undefined,
  wanted: readonly string[],
  mtu?: number,
): string[] {
  const known = addressesOf(link);
  const commands = [
    ...wanted.filter((it) => !known.includes(it)).map((it) => `address add ${it} dev ${name}`),
    ...known.filter((it) => !wanted.includes(it)).map((it) => `address delete ${it} dev ${name}`),
  ];
  if (!isUp(link) || hasIpv6(link))
    commands.push(
      `link set ${name} addrgenmode none`,
      `address flush dev ${name} scope link`,
      `link set ${name} up`,
    );
  if (mtu !== undefined && link?.mtu !== mtu) commands.push(`link set ${name} mtu ${mtu}`);
  return commands;
}

function downCommands(name: string): string[] {
  return [`address flush dev ${name}`, `link set ${name} down`];
}

/** `touched`: addresses or links were changed, with which the kernel may have dropped the route. */
function routeCommands(
  plan: NetworkPlan,
  egressNic: string,
  outside: Found,
  inside: Found,
  touched: boolean,
): string[] {
  const bridge = physicalBridge(egressNic);
  const via = outside.links.get(bridge)?.addr_info.find((it) => it.family === "inet")?.local;
  if (via === undefined)
    throw new CloudError("internal", `network ${plan.uuid}: ${bridge} has no floating address on this node`);
  const dev = egressInner(plan.vxid);
  const right = inside.routes.some((it) => it.dst === "default" && it.gateway === via && it.dev === dev);
  return right && !touched ? [] : [`route replace default via ${via} dev ${dev} onlink`];
}

function addressesOf(link: FoundLink | undefined): string[] {
  const addresses = (link?.addr_info ?? []).filter((it) => it.family === "inet");
  return addresses.map((it) => `${it.local}/${it.prefixlen}`);
}

const isUp = (link: FoundLink | undefined) => link?.flags.includes("UP") ?? false;

/** Commands by which the host looks again for addresses that have moved here. */
export function flushNeighbours(egressNic: string, addresses: readonly string[]): string[] {
  return addresses.map((address) => `neighbour flush to ${address} dev ${physicalBridge(egressNic)}`);
}

/** The ends of the cables in the namespace. */
export function cables(vxid: number): { inner: string; outer: string } {
  return { inner: routerInner(vxid), outer: egressInner(vxid) };
}

/** The ends of the cables on the node. */
export function outerCables(vxid: number): string[] {
  return [routerOuter(vxid), egressOuter(vxid)];
}
