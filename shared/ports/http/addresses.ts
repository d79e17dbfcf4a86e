// Where a tenant's URL may lead: globally routable unicast that is not this cloud's own, and what the operator allows.
import { BlockList, isIP, isIPv6 } from "node:net";
import { CloudError } from "../../errors.ts";

// IANA's special-purpose blocks of IPv4, multicast and the reserved rest.
const special4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
];
// All of global unicast IPv6. Loopback, mapped and translated IPv4, unique local, link-local and multicast lie outside.
const global6 = ["2000::/3"];
// Inside it: protocol assignments with Teredo, documentation, 6to4 (which embeds IPv4).
const special6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

const NAME = /^([a-z0-9_-]+\.)*[a-z0-9_-]+\.?$/i;
const WITH_PORT = /^(?:\[(?<six>[^\]]+)\]|(?<host>[^:/[\]]+)):(?<port>\d{1,5})$/;

/** Where a connection would go: the host as the URL has it, the port, and the address that it was found to have. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly address: string;
}

/** `own`: the addresses of the cloud's nodes and of its store. */
export type AddressPolicy = (target: Target, own: readonly string[]) => boolean;

/**
 * `allow` lists blocks (CIDR), addresses and host names, the latter two also with a port. Rejects with CloudError
 * "malformed" an entry that is none of these.
 */
export function addressPolicy(allow: readonly string[]): AddressPolicy {
  const special = blockList([...special4, ...special6]);
  const global = blockList(global6);
  const allowed = allow.map(parseEntry);
  return function isAllowed(target, own) {
    if (allowed.some((fits) => fits(target))) return true;
    const { address } = target;
    const family = familyOf(address);
    if (special.check(address, family) || (family === "ipv6" && !global.check(address, family))) return false;
    return !blockList(own.filter((it) => isIP(it) !== 0)).check(address, family);
  };
}

function parseEntry(entry: string): (target: Target) => boolean {
  const { six, host: name, port } = WITH_PORT.exec(entry)?.groups ?? {};
  const wanted = port === undefined ? undefined : Number(port);
  const host = (port === undefined ? entry : (six ?? name ?? "")).toLowerCase();
  const atPort = (it: Target) => wanted === undefined || wanted === it.port;
  if (isIP(host) !== 0 || host.includes("/")) {
    const blocks = blockList([host], entry);
    return (it) => atPort(it) && blocks.check(it.address, familyOf(it.address));
  }
  if (!NAME.test(host) || /^[\d.]+$/.test(host) || (wanted ?? 0) > 65_535) throw unreadable(entry);
  return (it) => atPort(it) && bare(it.host) === bare(host);
}

const familyOf = (address: string): "ipv4" | "ipv6" => (isIPv6(address) ? "ipv6" : "ipv4");

/** A name with and without the root's dot is the same. */
const bare = (host: string): string => host.toLowerCase().replace(/\.$/, "");

function unreadable(entry: string): CloudError {
  return new CloudError(
    "malformed",
    `SHAKENFIST_IMAGE_URL_ALLOW: '${entry}': neither a block of addresses such as 10.0.0.0/8, an address, nor a host name, the latter two perhaps with :port`,
  );
}

function blockList(blocks: readonly string[], entry?: string): BlockList {
  const list = new BlockList();
  for (const block of blocks) {
    const [address = "", bits, ...rest] = block.split("/");
    const size = isIP(address) === 6 ? 128 : 32;
    const prefix = bits === undefined ? size : Number(bits);
    const readable = isIP(address) !== 0 && bits !== "" && Number.isInteger(prefix) && rest.length === 0;
    if (!readable || prefix < 0 || prefix > size) throw unreadable(entry ?? block);
    list.addSubnet(address, prefix, size === 128 ? "ipv6" : "ipv4");
  }
  return list;
}
