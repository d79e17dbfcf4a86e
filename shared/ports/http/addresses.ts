// Which addresses a tenant's URL may lead to: globally routable unicast, and what the operator allows besides.
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

/** The decision for one address. Rejects with CloudError "malformed" a block that cannot be read. */
export function addressPolicy(allowed_networks: readonly string[]): (address: string) => boolean {
  const allowed = blockList(allowed_networks);
  const special = blockList([...special4, ...special6]);
  const global = blockList(global6);
  return function isAllowed(address) {
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (allowed.check(address, family)) return true;
    return !special.check(address, family) && (family === "ipv4" || global.check(address, family));
  };
}

function blockList(blocks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const block of blocks) {
    const [address = "", bits, ...rest] = block.split("/");
    const size = isIP(address) === 6 ? 128 : 32;
    const prefix = bits === undefined ? size : Number(bits);
    const readable = isIP(address) !== 0 && bits !== "" && Number.isInteger(prefix) && rest.length === 0;
    if (!readable || prefix < 0 || prefix > size)
      throw new CloudError("malformed", `'${block}': not a block of addresses such as 10.0.0.0/8`);
    list.addSubnet(address, prefix, size === 128 ? "ipv6" : "ipv4");
  }
  return list;
}
