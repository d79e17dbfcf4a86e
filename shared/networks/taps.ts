// The taps of the guests on this node, and the rules that keep each to its own MAC and address.
import type { Cloud } from "../cloud.ts";
import type { Tap } from "../ports/network/network.ts";
import { INTERFACES, type InterfaceRecord } from "./record.ts";

/** Link names have at most 15 characters; 12 hex digits of a UUID are unique enough on one node. */
export const tapName = (interfaceUuid: string): string =>
  `sf-${interfaceUuid.replaceAll("-", "").slice(0, 12)}`;

/** Those of this node among the interfaces. */
export function tapsOf(cloud: Cloud, interfaces: readonly InterfaceRecord[]): Tap[] {
  const here = interfaces.filter(({ node, state }) => node === cloud.node.name && state !== "deleted");
  return here.map((own) => ({
    name: tapName(own.uuid),
    macaddr: own.macaddr.toLowerCase(),
    address: own.ipv4,
    also: here.filter((other) => isSibling(own, other)).map(({ ipv4 }) => ipv4),
  }));
}

/** Of the same guest on the same network. */
const isSibling = (one: InterfaceRecord, other: InterfaceRecord): boolean =>
  one.uuid !== other.uuid &&
  one.instance_uuid === other.instance_uuid &&
  one.network_uuid === other.network_uuid;

/** Must be done before a guest starts. What had been damaged is told to the networks whose guests it concerned. */
export function guardGuests(cloud: Cloud): Promise<void> {
  return cloud.mutex.join("guest-rules", async () => {
    const interfaces = cloud.store.mirror.list<InterfaceRecord>(INTERFACES).map(({ value }) => value);
    const mended = await cloud.network.ensureGuestRules(tapsOf(cloud, interfaces));
    if (mended.length === 0) return;
    const here = interfaces.filter(({ node, state }) => node === cloud.node.name && state !== "deleted");
    for (const uuid of new Set(here.map(({ network_uuid }) => network_uuid))) tellMended(cloud, uuid, mended);
  });
}

export function tellMended(cloud: Cloud, network: string, mended: readonly string[]): void {
  cloud.events.record("network", network, {
    operation: "mended",
    phase: null,
    message: mended.join(", "),
  });
}
