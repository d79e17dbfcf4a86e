// Finds the address of a host and judges it where it is connected to, so that no name, redirect or second look-up leads
// past the policy.
import { type LookupAddress, lookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { CloudError } from "../../errors.ts";
import type { AddressPolicy } from "./addresses.ts";
import { hostOf, portOf } from "./follow.ts";

const LOOKUP_MS = 15_000;

/** Addresses of this cloud itself, asked anew for each connection. */
export type OwnAddresses = () => Promise<readonly string[]> | readonly string[];

/** Rejects a literal address that is not allowed; answers the look-up for what is a name. */
export async function guard(url: URL, isAllowed: AddressPolicy, own: OwnAddresses): Promise<LookupFunction> {
  const [host, port] = [hostOf(url), portOf(url)];
  const ours = await own();
  const permits = (address: string) => isAllowed({ host, port, address }, ours);
  // A literal address is connected to without a look-up.
  if (isIP(host) !== 0 && !permits(host)) throw refusal(host, [host]);
  return (hostname, options, callback) => {
    const done = atMostOnce(callback);
    const timer = setTimeout(() => done(tooSlow(hostname), ""), LOOKUP_MS);
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[] = []) => {
      clearTimeout(timer);
      if (error !== null) return done(error, "");
      const permitted = addresses.filter(({ address }) => permits(address));
      const [first] = permitted;
      const found = addresses.map(({ address }) => address);
      if (first === undefined) done(refusal(hostname, found), "");
      else if (options.all) done(null, permitted);
      else done(null, first.address, first.family);
    });
  };
}

export function refusal(host: string, addresses: readonly string[]): CloudError {
  const where = addresses[0] === host ? "" : ` (${addresses.join(", ")})`;
  return new CloudError(
    "malformed",
    `${host}${where}: an internal address, which is fetched from only if SHAKENFIST_IMAGE_URL_ALLOW has it`,
  );
}

const tooSlow = (host: string): CloudError =>
  new CloudError("unreachable", `${host}: its address was not found within ${LOOKUP_MS / 1000} s`);

function atMostOnce<T extends unknown[]>(call: (...values: T) => void): (...values: T) => void {
  let called = false;
  return (...values) => {
    if (called) return;
    called = true;
    call(...values);
  };
}
