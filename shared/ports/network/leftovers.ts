// What this node still has of networks and guests that are gone. Ours is only what bears our mark: links with a network's UUID as
// their alias, namespaces of such a name with our cables or rules inside, our configuration on a dnsmasq's command line, taps
// of our naming.
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Dhcp } from "./dhcp.ts";
import { namespaceState } from "./gateway.ts";
import type { FoundLink, Ip } from "./ip.ts";
import { isInnerCable, vxidOfLink } from "./names.ts";
import type { Leftover, Wanted } from "./network.ts";
import { inNamespace, type Rules } from "./rules.ts";

export interface LeftoverParts {
  ip: Ip;
  rules: Rules;
  dhcp: Dhcp;
  storagePath: string;
}

const IS_UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TAP = /^sf-[0-9a-f]{12}$/;

export async function findLeftovers(parts: LeftoverParts, wanted: Wanted): Promise<Leftover[]> {
  const isGone = ({ network }: Leftover) => network === undefined || !wanted.networks.has(network);
  const links = [...(await parts.ip.read(["address show"])).links.values()];
  const [namespaces, servers, directories] = await Promise.all([
    findNamespaces(parts, wanted),
    findServers(parts.storagePath),
    findDirectories(parts.storagePath),
  ]);
  const taps = links.filter((link) => isTap(link) && !wanted.taps.has(link.ifname));
  return [
    ...links.flatMap(ownedLink).filter(isGone),
    ...taps.map(({ ifname }): Leftover => ({ kind: "tap", name: ifname })),
    ...namespaces,
    ...servers.filter(isGone),
    ...directories.filter(isGone),
  ];
}

/** What is no longer as it was found stays. */
export async function discardLeftover(
  parts: LeftoverParts,
  { kind, name, network }: Leftover,
): Promise<void> {
  if (kind === "link") return discardLink(parts, name, network);
  if (kind === "tap") return TAP.test(name) ? parts.ip.discard([`link delete ${name}`]) : undefined;
  if (network === undefined || !IS_UUID.test(network)) return;
  await parts.dhcp.remove(network, true);
  if (kind !== "namespace") return;
  await parts.ip.discard([`netns delete ${network}`]);
  parts.rules.forget(network);
}

async function discardLink({ ip }: LeftoverParts, name: string, network: string | undefined): Promise<void> {
  if (vxidOfLink(name) === undefined) return;
  const link = (await ip.read([`address show dev ${name}`])).links.get(name);
  if (link !== undefined && link.ifalias === network) await ip.discard([`link delete ${name}`]);
}

function ownedLink({ ifname, ifalias }: FoundLink): Leftover[] {
  if (ifalias === undefined || !IS_UUID.test(ifalias) || vxidOfLink(ifname) === undefined) return [];
  return [{ kind: "link", name: ifname, network: ifalias }];
}

const isTap = ({ ifname, linkinfo }: FoundLink): boolean => TAP.test(ifname) && linkinfo?.info_kind === "tun";

/** Those of networks that are wanted are not looked into. */
async function findNamespaces(parts: LeftoverParts, { networks }: Wanted): Promise<Leftover[]> {
  const found: Leftover[] = [];
  for (const name of await names("/run/netns")) {
    if (!IS_UUID.test(name) || networks.has(name) || !(await isOurs(parts, name))) continue;
    found.push({ kind: "namespace", name, network: name });
  }
  return found;
}

async function isOurs({ ip, rules }: LeftoverParts, namespace: string): Promise<boolean> {
  if ((await namespaceState(namespace)) !== "present") return false;
  const { links } = await ip.read(["address show"], namespace);
  return [...links.keys()].some(isInnerCable) || (await rules.read(inNamespace(namespace))) !== "";
}

async function findServers(storagePath: string): Promise<Leftover[]> {
  const found: Leftover[] = [];
  for (const pid of (await names("/proc")).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    const config = /^dnsmasq\0--conf-file=([^\0]+)\0$/.exec(command)?.[1] ?? "";
    const network = basename(dirname(config));
    if (config !== join(storagePath, "dhcp", network, "config") || !IS_UUID.test(network)) continue;
    found.push({ kind: "dnsmasq", name: `dnsmasq ${pid}`, network });
  }
  return found;
}

async function findDirectories(storagePath: string): Promise<Leftover[]> {
  const all = await names(join(storagePath, "dhcp"));
  const ours = all.filter((name) => IS_UUID.test(name));
  return ours.map((name) => ({
    kind: "DHCP directory",
    name: join(storagePath, "dhcp", name),
    network: name,
  }));
}

async function names(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
