// IPv4 blocks and addresses as numbers and text.
import { isIPv4 } from "node:net";
import { CloudError } from "../errors.ts";

export interface Netblock {
  /** As numbers, both ends included. */
  readonly first: number;
  readonly last: number;
  readonly prefix: number;
}

const SHORTEST_PREFIX = 8;
const LONGEST_PREFIX = 29;

/** Reads `10.0.0.0/24`: IPv4, /8 to /29, no host bits. Rejects with "malformed". */
export function parseNetblock(text: unknown): Netblock {
  const refuse = (why: string) => new CloudError("malformed", `cannot parse netblock: ${why}`);
  if (typeof text !== "string") throw refuse("it must be text such as 10.0.0.0/24");
  const [, address = "", length = ""] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  if (!isIPv4(address)) throw refuse(`'${text}' is not an IPv4 block such as 10.0.0.0/24`);
  const prefix = Number(length);
  if (prefix < SHORTEST_PREFIX || prefix > LONGEST_PREFIX) {
    throw refuse(`'${text}' must be between /${SHORTEST_PREFIX} and /${LONGEST_PREFIX}`);
  }
  const size = 2 ** (32 - prefix);
  const first = toNumber(address);
  if (first % size !== 0) throw refuse(`'${text}' has host bits set`);
  return { first, last: first + size - 1, prefix };
}

export const toNumber = (address: string): number =>
  address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

export const toAddress = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");

/** The first host address: the router of a network, the bridge of the floating one. */
export const routerOf = (block: Netblock): string => toAddress(block.first + 1);

export const netmaskOf = (block: Netblock): string => toAddress(2 ** 32 - 2 ** (32 - block.prefix));

/** Whether a guest may have it: inside, and not the network's, the router's or the broadcast address. */
export function isUsable(block: Netblock, address: string): boolean {
  if (!isIPv4(address)) return false;
  const number = toNumber(address);
  return number > block.first + 1 && number < block.last;
}
