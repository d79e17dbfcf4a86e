// One network on this node: looks at what is there, makes what is missing, takes it away again.

import type { Exec } from "../exec/exec.ts";
import type { Dhcp, Render } from "./dhcp.ts";
import * as gateways from "./gateway.ts";
import type { Found, Ip } from "./ip.ts";
import { ensureMesh, readMesh } from "./mesh.ts";
import { bridgeLink, physicalBridge, vxlanLink } from "./names.ts";
import { parseNetblock } from "./netblock.ts";
import type { Gateway, NetworkPlan } from "./network.ts";
import { linkRemoval, linksOf, networkLinkChanges, strangers, type Underlay } from "./network-links.ts";
import { inNamespace, type Rules } from "./rules.ts";
import { strayTaps } from "./taps.ts";

export interface Parts extends Underlay {
  exec: Exec;
  ip: Ip;
  rules: Rules;
  dhcp: Dhcp;
  render: Render;
  storagePath: string;
}

/** What is of a network before anything is changed. */
interface Seen {
  outside: Found;
  mesh: string[];
  namespace: "present" | "absent" | "stale";
  inside: Found;
  rules: string;
}

const NOTHING: Found = { links: new Map(), forwarding: [], routes: [] };

export async function ensureNetwork(parts: Parts, given: NetworkPlan): Promise<string[]> {
  const plan = { ...given, mesh: given.mesh.filter((address) => address !== parts.nodeAddress) };
  const before = await look(parts, plan);
  const links = await ensureLinks(parts, plan, before);
  const seen = links.length > 0 ? await lookAgain(parts, plan, before) : before;
  const [mesh, gateway] = await allDone([
    ensureMesh(parts.exec, vxlanLink(plan.vxid), seen.mesh, plan.mesh),
    plan.gateway === undefined
      ? removeGateway(parts, plan, seen)
      : ensureGateway(parts, plan, plan.gateway, seen),
  ]);
  return [...links, ...mesh, ...gateway];
}

async function look({ exec, ip, rules, egressNic }: Parts, plan: NetworkPlan): Promise<Seen> {
  const taps = plan.taps.map(({ name }) => name);
  const names = [...linksOf(plan.vxid), egressNic, physicalBridge(egressNic), ...taps];
  const namespace = await gateways.namespaceState(plan.uuid);
  const open = namespace === "present" && plan.gateway !== undefined;
  const [outside, mesh, inside, ruled] = await Promise.all([
    ip.read(names.map((name) => `address show dev ${name}`)),
    readMesh(exec, vxlanLink(plan.vxid)),
    open ? gateways.readInside(ip, plan) : NOTHING,
    open ? rules.read(inNamespace(plan.uuid)) : "",
  ]);
  return { outside, mesh, namespace, inside, rules: ruled };
}

/** After links were made: what is on or behind them may be gone. */
async function lookAgain({ exec, ip }: Parts, plan: NetworkPlan, before: Seen): Promise<Seen> {
  const [mesh, inside] = await Promise.all([
    readMesh(exec, vxlanLink(plan.vxid)),
    plan.gateway === undefined ? NOTHING : gateways.readInside(ip, plan),
  ]);
  return { ...before, mesh, inside };
}

async function ensureLinks(parts: Parts, plan: NetworkPlan, seen: Seen): Promise<string[]> {
  const foreign = strangers(plan, seen.outside);
  const outside = withoutLinks(seen.outside, foreign);
  const { commands, mended } = networkLinkChanges(plan, parts, outside, seen.inside);
  const eviction = foreign.map((name) => `link delete ${name}`);
  const namespace: string[] = [];
  if (plan.gateway !== undefined && seen.namespace !== "present") {
    if (seen.namespace === "stale") namespace.push(`netns delete ${plan.uuid}`);
    namespace.push(`netns add ${plan.uuid}`);
    mended.unshift(`create namespace ${plan.uuid}`);
  }
  await parts.ip.change([...eviction, ...namespace, ...commands]);
  return [...mended, ...(await putBack(parts, plan, strayTaps(plan, outside)))];
}

/** A guest may end meanwhile, and its tap with it. */
async function putBack({ ip }: Parts, plan: NetworkPlan, taps: readonly string[]): Promise<string[]> {
  const bridge = bridgeLink(plan.vxid);
  await ip.changePresent(taps.map((name) => `link set ${name} master ${bridge} up`));
  return taps.map((name) => `put ${name} back on ${bridge}`);
}

function withoutLinks(found: Found, names: readonly string[]): Found {
  return { ...found, links: new Map([...found.links].filter(([name]) => !names.includes(name))) };
}

async function ensureGateway(
  parts: Parts,
  plan: NetworkPlan,
  gateway: Gateway,
  seen: Seen,
): Promise<string[]> {
  const done = await allDone([
    ensureInside(parts, plan, gateway, seen),
    ensureRouting(parts, plan, gateway, seen),
  ]);
  return done.flat();
}

async function ensureInside(
  parts: Parts,
  plan: NetworkPlan,
  gateway: Gateway,
  seen: Seen,
): Promise<string[]> {
  const { ip, dhcp, egressNic } = parts;
  const changes = gateways.insideChanges(plan, gateway, egressNic, seen.outside, seen.inside);
  await allDone([
    ip.change(changes.commands, plan.uuid),
    ip.change(gateways.flushNeighbours(egressNic, changes.arrived)),
  ]);
  if (gateway.dhcp === undefined)
    return (await dhcp.remove(plan.uuid)) ? [...changes.mended, "remove dhcp"] : changes.mended;
  const link = seen.inside.links.get(gateways.cables(plan.vxid).inner)?.ifindex ?? 0;
  return [...changes.mended, ...(await dhcp.ensure(plan, gateway.dhcp, link))];
}

/** Nothing is routed before the rules are in place. */
async function ensureRouting(
  parts: Parts,
  plan: NetworkPlan,
  gateway: Gateway,
  seen: Seen,
): Promise<string[]> {
  const text = parts.render("gateway.nft", rulesValues(plan, gateway));
  const outcome = await parts.rules.ensure(inNamespace(plan.uuid), text, seen.rules);
  const mended = outcome === "same" ? [] : ["load rules"];
  if (gateways.isRouting(plan, seen.inside)) return mended;
  await parts.exec.run("tee", gateways.routingSwitches(plan), { input: "1\n", namespace: plan.uuid });
  return [...mended, "switch on routing"];
}

function rulesValues(plan: NetworkPlan, { nat, floating }: Gateway): Record<string, unknown> {
  const { inner, outer } = gateways.cables(plan.vxid);
  return { inner, outer, netblock: parseNetblock(plan.netblock).cidr, nat: nat?.address ?? null, floating };
}

/** For a node that is not, or no longer, the network node. */
async function removeGateway(
  parts: Parts,
  plan: NetworkPlan,
  { outside, namespace }: Seen,
): Promise<string[]> {
  const links = gateways.outerCables(plan.vxid).filter((name) => outside.links.has(name));
  const served = await parts.dhcp.remove(plan.uuid);
  if (links.length === 0 && namespace === "absent") return served ? ["remove dhcp"] : [];
  await parts.ip.discard([...links.map((name) => `link delete ${name}`), `netns delete ${plan.uuid}`]);
  parts.rules.forget(plan.uuid);
  return [`delete namespace ${plan.uuid}`];
}

/** The server goes first: it would keep the namespace alive. */
export async function removeNetwork(parts: Parts, network: { uuid: string; vxid: number }): Promise<void> {
  const names = linksOf(network.vxid);
  const [outside, namespace] = await allDone([
    parts.ip.read(names.map((name) => `address show dev ${name}`)),
    gateways.namespaceState(network.uuid),
    parts.dhcp.remove(network.uuid, true),
  ]);
  const lines = linkRemoval(network, outside);
  if (namespace !== "absent") lines.push(`netns delete ${network.uuid}`);
  await parts.ip.discard(lines);
  parts.rules.forget(network.uuid);
}

/** Waits for all before it rejects with the first failure: nothing goes on behind the caller's back. */
async function allDone<T extends readonly unknown[]>(
  work: readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  await Promise.allSettled(work);
  return Promise.all(work) as unknown as Promise<T>;
}
