// What a node has once: the rules that keep guests away from the host and, on the network node, the physical bridge, NAT
// of the floating block and the routing of the egress interface, which is undone as it was found.
import { createHash } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CloudError } from "../../errors.ts";
import type { Render } from "./dhcp.ts";
import type { Hosts } from "./hosts.ts";
import type { Found, Ip } from "./ip.ts";
import { bridgeType, type Changes, type LinkSpec, linkChanges } from "./links.ts";
import { physicalBridge } from "./names.ts";
import { parseNetblock } from "./netblock.ts";
import type { NodeLinks } from "./network.ts";
import { GUESTS, NODE, type Rules } from "./rules.ts";

export interface NodeParts {
  ip: Ip;
  rules: Rules;
  render: Render;
  hosts: Hosts;
  storagePath: string;
}

const DEFAULT_AGEING = 30_000; // hundredths of a second
const OWNER = "shakenfist";

export async function ensureNode(parts: NodeParts, links: NodeLinks): Promise<string[]> {
  const bridge = physicalBridge(links.egress_nic);
  const names = [links.egress_nic, bridge];
  const found = await parts.ip.read(names.map((name) => `address show dev ${name}`));
  if (!found.links.has(links.egress_nic))
    throw new CloudError("internal", `${links.egress_nic}: there is no such interface on this node`);
  if (links.floating_netblock === undefined) return ensureWithoutFloating(parts, links, found);

  const { commands, mended } = bridgeChanges(bridge, links.floating_netblock, found);
  await parts.ip.change(commands);
  const remembered = await switchedBefore(parts.storagePath, links.egress_nic);
  const routed = remembered ? false : await isForwarding(links.egress_nic);
  if (!routed) await remember(parts.storagePath, links.egress_nic);
  const { cidr } = parseNetblock(links.floating_netblock);
  const floating = { nic: links.egress_nic, bridge, netblock: cidr, closed: !routed };
  const off_limits = links.off_limits === undefined ? null : await parts.hosts.addresses(links.off_limits);
  mended.push(...(await ensureRules(parts, { floating, off_limits })));
  for (const name of names) {
    if (await switchForwarding(name, true)) mended.push(`switch on IPv4 forwarding of ${name}`);
  }
  return mended;
}

export async function removeNode(parts: NodeParts, links: NodeLinks): Promise<void> {
  await undoFloating(parts, links);
  await parts.rules.remove(NODE);
  await parts.rules.remove(GUESTS);
}

async function ensureWithoutFloating(parts: NodeParts, links: NodeLinks, found: Found): Promise<string[]> {
  const mended = found.links.has(physicalBridge(links.egress_nic)) ? await undoFloating(parts, links) : [];
  return [...mended, ...(await ensureRules(parts, { floating: null, off_limits: null }))];
}

async function ensureRules(
  { rules, render }: NodeParts,
  values: { floating: object | null; off_limits: readonly string[] | null },
): Promise<string[]> {
  const outcome = await rules.ensure(NODE, render("node.nft", values), await rules.read(NODE));
  return outcome === "mended" ? ["load rules of the node"] : [];
}

async function undoFloating(parts: NodeParts, links: NodeLinks): Promise<string[]> {
  const bridge = physicalBridge(links.egress_nic);
  if (await switchedBefore(parts.storagePath, links.egress_nic))
    await switchForwarding(links.egress_nic, false);
  await parts.ip.discard([`link delete ${bridge}`]);
  await rm(memoryFile(parts.storagePath), { force: true });
  return [`delete ${bridge}`];
}

function bridgeChanges(name: string, floatingNetblock: string, found: Found): Changes {
  const { router, prefix } = parseNetblock(floatingNetblock);
  const spec: LinkSpec = {
    name,
    kind: "bridge",
    ...bridgeType(DEFAULT_AGEING),
    options: { address: steadyMac(name) },
    owner: OWNER,
  };
  const changes = linkChanges([spec], found);
  const wanted = `${router}/${prefix}`;
  const known = (found.links.get(name)?.addr_info ?? []).filter((it) => it.family === "inet");
  const addresses = known.map((it) => `${it.local}/${it.prefixlen}`);
  const commands = [
    ...(addresses.includes(wanted) ? [] : [`address add ${wanted} dev ${name}`]),
    ...addresses.filter((it) => it !== wanted).map((it) => `address delete ${it} dev ${name}`),
  ];
  if (commands.length > 0) changes.mended.push(`set address ${wanted} of ${name}`);
  changes.commands.push(...commands);
  return changes;
}

/** A bridge takes the lowest MAC of its ports unless it was given one: each new network would move the router's. */
function steadyMac(name: string): string {
  const digest = createHash("sha256").update(name).digest("hex");
  return `02:${digest.slice(0, 10).replace(/..(?=.)/g, "$&:")}`;
}

const forwardingFile = (link: string) => `/proc/sys/net/ipv4/conf/${link}/forwarding`;

async function isForwarding(link: string): Promise<boolean> {
  return (await readFile(forwardingFile(link), "utf8")).trim() === "1";
}

async function switchForwarding(link: string, on: boolean): Promise<boolean> {
  if ((await isForwarding(link)) === on) return false;
  await writeFile(forwardingFile(link), on ? "1" : "0");
  return true;
}

/** Names the interface whose forwarding we switched on. It counts until the next boot, as the switch itself does. */
const memoryFile = (storagePath: string) => join(storagePath, "forwarding.json");

async function switchedBefore(storagePath: string, nic: string): Promise<boolean> {
  const text = await readFile(memoryFile(storagePath), "utf8").catch(() => "");
  return text === (await memoryText(nic));
}

async function remember(storagePath: string, nic: string): Promise<void> {
  const file = memoryFile(storagePath);
  await writeFile(`${file}.new`, await memoryText(nic));
  await rename(`${file}.new`, file);
}

async function memoryText(nic: string): Promise<string> {
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
  return JSON.stringify({ switched_on: nic, boot_id: boot.trim() });
}
