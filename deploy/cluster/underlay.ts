// The network that joins the hosts of a test cluster, in the namespace where it is brought up: a bridge with an address,
// a cable to each host, the way to the floating addresses, and rules that cut hosts off from each other.
import { fileURLToPath } from "node:url";
import { parseNetblock, toNumber } from "#shared/networks/netblock.ts";
import { openTemplates } from "#shared/render.ts";
import { run } from "../lib/run.ts";
import { floatingBlock, type HostPlan, networkNode, type Plan } from "./plan.ts";

export const BRIDGE = "sf-underlay";
const TABLE = "sf_cluster";
const HERE = fileURLToPath(new URL(".", import.meta.url));

/** Rejects when a link of that name is there, or the addresses are in use. */
export async function requireFreeUnderlay(plan: Plan): Promise<void> {
  const names = [BRIDGE, ...plan.hosts.map(cableOf)];
  const taken = (await linkNames()).find((name) => names.includes(name));
  if (taken !== undefined)
    throw new Error(
      `a link named ${taken} is here already: end the cluster that made it, or remove it with ip link delete ${taken}`,
    );
  await requireFreeBlock(plan.underlay, "the underlay", "--underlay 10.67.0.0/24");
  await requireFreeBlock(
    floatingBlock(plan),
    "floating addresses",
    "--set FLOATING_NETWORK=192.168.120.0/24",
  );
}

/** Rejects when it is gone. */
export async function requireUnderlay(): Promise<void> {
  if ((await linkNames()).includes(BRIDGE)) return;
  throw new Error(
    `the link ${BRIDGE} of this cluster is gone, as after a restart of this machine; npm run cluster -- down removes the rest`,
  );
}

async function linkNames(): Promise<string[]> {
  const links: { ifname: string }[] = JSON.parse(await run("ip", ["-j", "link"]));
  return links.map(({ ifname }) => ifname);
}

async function requireFreeBlock(block: string, use: string, remedy: string): Promise<void> {
  const routes: { dst: string; dev?: string }[] = JSON.parse(await run("ip", ["-j", "-4", "route"]));
  const wanted = parseNetblock(block);
  const clash = routes.find(({ dst }) => {
    const [address = "", prefix = "32"] = dst.split("/");
    if (address === "default") return false;
    const first = toNumber(address);
    return first <= wanted.last && first + 2 ** (32 - Number(prefix)) > wanted.first;
  });
  if (clash === undefined) return;
  throw new Error(
    `${block}, for ${use}, is in use on this machine: ${clash.dst} leads to ${clash.dev}; choose another, as in ${remedy}`,
  );
}

export async function makeUnderlay(plan: Plan): Promise<void> {
  await ip([
    // An address of its own: else it takes the lowest of its cables, a new one with each host that comes or goes.
    `link add ${BRIDGE} mtu ${plan.mtu} address 02:73:66:00:00:01 type bridge`,
    `link set ${BRIDGE} mtu ${plan.mtu} up`,
    `address add ${plan.gateway}/24 dev ${BRIDGE}`,
    `route add ${floatingBlock(plan)} via ${networkNode(plan).address} dev ${BRIDGE}`,
  ]);
}

/** The end of its cable in the host whose first process this is becomes eth0. */
export async function plugIn(plan: Plan, host: HostPlan, init: number): Promise<void> {
  const cable = cableOf(host);
  const number = toNumber(host.address) % 256;
  const macaddr = `02:73:66:00:01:${number.toString(16).padStart(2, "0")}`;
  await unplug(host);
  await ip([
    `link add ${cable} mtu ${plan.mtu} type veth peer name eth0 mtu ${plan.mtu} address ${macaddr} netns ${init}`,
    `link set ${cable} master ${BRIDGE} up`,
  ]);
  const routes = [`route add default via ${plan.gateway}`];
  if (host.address !== networkNode(plan).address)
    routes.push(`route add ${floatingBlock(plan)} via ${networkNode(plan).address}`);
  await ip([`address add ${host.address}/24 dev eth0`, "link set eth0 up", ...routes], init);
}

/** The kernel removes the cable of a host that ended, but later. */
export async function unplug(host: HostPlan): Promise<void> {
  await removeLink(cableOf(host));
}

export async function removeUnderlay(plan: Plan): Promise<void> {
  for (const host of plan.hosts) await unplug(host);
  await removeLink(BRIDGE);
  const tables = await run("nft", ["list", "tables", "bridge"]);
  if (tables.includes(`table bridge ${TABLE}\n`)) await run("nft", ["delete", "table", "bridge", TABLE]);
}

/** Between the hosts of each pair nothing passes, either way. */
export async function cutOff(plan: Plan, pairs: readonly (readonly [HostPlan, HostPlan])[]): Promise<void> {
  const { gateway, underlay } = plan;
  const cut = pairs.map((pair) => pair.map(cableOf));
  const cables = plan.hosts.map(cableOf);
  const values = { table: TABLE, cables, gateway, underlay, floating: floatingBlock(plan), cut };
  await run("nft", ["-f", "-"], { input: openTemplates([HERE]).render("partitions.nft", values) });
}

function cableOf(host: HostPlan): string {
  return `u-${host.name}`;
}

async function removeLink(name: string): Promise<void> {
  await run("ip", ["link", "delete", name]).catch((error) => {
    if (!String(error).includes("Cannot find device")) throw error;
  });
}

/** Lines for `ip -batch`, in the network namespace of a process or in this one. */
async function ip(lines: readonly string[], inside?: number): Promise<void> {
  const input = `${lines.join("\n")}\n`;
  const args = ["-batch", "-"];
  if (inside === undefined) await run("ip", args, { input });
  else await run("nsenter", [`--net=/proc/${inside}/ns/net`, "--", "ip", ...args], { input });
}
