// The little arithmetic of IPv4 blocks that links and DHCP need.
import { isIPv4 } from "node:net";
import { CloudError } from "../../errors.ts";

export interface Netblock {
  cidr: string;
  prefix: number;
  mask: string;
  /** The first host address: the router. */
  router: string;
  /** The second: where DHCP begins. */
  first: string;
}

/** Rejects what is no IPv4 block with room for a router and a guest. */
export function parseNetblock(cidr: string): Netblock {
  const [base = "", bits = ""] = cidr.split("/");
  const prefix = Number(bits);
  if (!isIPv4(base) || !/^\d+$/.test(bits) || prefix > 30)
    throw new CloudError("malformed", `${cidr}: not an IPv4 block`);
  const mask = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
  const network = (toNumber(base) & mask) >>> 0;
  return {
    cidr: `${toText(network)}/${prefix}`,
    prefix,
    mask: toText(mask),
    router: toText(network + 1),
    first: toText(network + 2),
  };
}

const toNumber = (address: string) => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
const toText = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
