// Picks what is unique: addresses, MACs, vxids. The pick is a guess from the mirror; the key made in the transaction
// decides, and a lost race picks again.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { isUsable, type Netblock, toAddress } from "./netblock.ts";
import type { AddressRecord } from "./record.ts";
import { addressPrefix, CARRIERS, type CarrierRecord, VXIDS } from "./record.ts";

/** Link names have room for no more digits. */
const HIGHEST_VXID = 999_999;

/**
 * A free address: random while less than half is used, then the lowest. `taken` are picks of the same transaction.
 * Rejects with "insufficient" when there is none.
 */
export function pickAddress(
  cloud: Cloud,
  network: string,
  block: Netblock,
  taken: ReadonlySet<string>,
): string {
  const prefix = addressPrefix(network);
  const used = new Set(
    cloud.store.mirror.list<AddressRecord>(prefix).map(({ key }) => key.slice(prefix.length)),
  );
  for (const address of taken) used.add(address);
  const usable = block.last - block.first - 2;
  if (used.size < usable / 2) {
    for (;;) {
      const address = toAddress(block.first + 2 + Math.floor(Math.random() * usable));
      if (!used.has(address)) return address;
    }
  }
  for (let number = block.first + 2; number < block.last; number++) {
    const address = toAddress(number);
    if (!used.has(address)) return address;
  }
  throw new CloudError("insufficient", `network ${network}: no free addresses`);
}

/** Takes the asked address if it is the network's and free: "malformed" and "conflict" otherwise. */
export function takeAddress(cloud: Cloud, network: string, block: Netblock, address: string): string {
  if (!isUsable(block, address)) {
    throw new CloudError(
      "malformed",
      "network specification requests an address outside the range of the network",
    );
  }
  if (cloud.store.mirror.get(`${addressPrefix(network)}${address}`) !== undefined) {
    throw new CloudError("conflict", `address ${address} in use`);
  }
  return address;
}

/** Locally administered, random. */
export function randomMac(): string {
  const tail = crypto.getRandomValues(new Uint8Array(3));
  return `02:00:00:${[...tail].map((byte) => byte.toString(16).padStart(2, "0")).join(":")}`;
}

/** Not the number of a network that some node still has links of: a deleted one's frames must not come to the next. */
export function pickVxid(cloud: Cloud): number {
  const { mirror } = cloud.store;
  const used = new Set(mirror.list(VXIDS).map(({ key }) => Number(key.slice(VXIDS.length))));
  for (const { value } of mirror.list<CarrierRecord>(CARRIERS)) used.add(value.vxid);
  for (let vxid = 1; vxid <= HIGHEST_VXID; vxid++) {
    if (!used.has(vxid)) return vxid;
  }
  throw new CloudError("insufficient", "no free vxid");
}
