// What a link should be, and the commands that make it so. A link whose kind cannot be mended in place is made anew.
import { CloudError } from "../../errors.ts";
import { type Found, type FoundLink, hasIpv6 } from "./ip.ts";

export interface LinkSpec {
  name: string;
  kind: "bridge" | "vxlan" | "veth";
  /** What follows `type <kind>`. */
  type: string;
  /** The details that `type` gives, as `ip` shows them. */
  data: Readonly<Record<string, unknown>>;
  /** Options of `link set`, the name of the option first: mtu, master, group, address… */
  options: Readonly<Record<string, string | number>>;
  /** Whose it is, kept as the link's alias. */
  owner: string;
  /** Answers no ARP: its traffic is none of this host's. */
  silent?: boolean;
  /** Must be made anew although it looks right. */
  broken?: boolean;
}

export interface Changes {
  commands: string[];
  mended: string[];
}

/** A bridge that passes everything on: no spanning tree, no listening delay, no filtering of multicast. */
export function bridgeType(ageing: number): { type: string; data: Record<string, unknown> } {
  const data = { stp_state: 0, forward_delay: 0, ageing_time: ageing, mcast_snooping: 0 };
  return { type: Object.entries(data).flat().join(" "), data };
}

export function linkChanges(specs: readonly LinkSpec[], found: Found): Changes {
  const changes: Changes = { commands: [], mended: [] };
  for (const spec of specs) {
    const link = found.links.get(spec.name);
    const commands = commandsFor(spec, link);
    if (commands.length === 0) continue;
    changes.commands.push(...commands);
    changes.mended.push(`${link === undefined ? "create" : "mend"} ${spec.name}`);
  }
  return changes;
}

function commandsFor(spec: LinkSpec, link: FoundLink | undefined): string[] {
  if (link === undefined) return [add(spec), ...settle(spec)];
  if (link.linkinfo?.info_kind !== spec.kind)
    throw new CloudError("internal", `${spec.name}: a link of this name exists and is no ${spec.kind}`);
  const alike = Object.entries(spec.data).every(([key, value]) => link.linkinfo?.info_data?.[key] === value);
  if (spec.broken || (!alike && spec.kind !== "bridge"))
    return [`link delete ${spec.name}`, add(spec), ...settle(spec)];
  if (!alike) return [`link set ${spec.name} type ${spec.kind} ${spec.type}`, ...settle(spec)];
  return isSettled(spec, link) ? [] : settle(spec);
}

function add(spec: LinkSpec): string {
  const mtu = spec.options.mtu === undefined ? "" : `mtu ${spec.options.mtu} `;
  return `link add ${spec.name} ${mtu}type ${spec.kind} ${spec.type}`;
}

/** No IPv6 address of the link's own: the host is not to be found on a guest's network. */
function settle(spec: LinkSpec): string[] {
  const options = Object.entries(spec.options).flat().join(" ");
  const arp = spec.silent ? "arp off" : "arp on";
  return [
    `link set ${spec.name} ${options} addrgenmode none alias ${spec.owner} ${arp}`,
    `address flush dev ${spec.name} scope link`,
    `link set ${spec.name} up`,
  ];
}

function isSettled(spec: LinkSpec, link: FoundLink): boolean {
  const options = Object.entries(spec.options).every(
    ([option, value]) => String(link[option as keyof FoundLink] ?? "") === String(value),
  );
  const silent = link.flags.includes("NOARP") === (spec.silent ?? false);
  const marked = link.ifalias === spec.owner;
  return options && silent && marked && !hasIpv6(link) && link.flags.includes("UP");
}
