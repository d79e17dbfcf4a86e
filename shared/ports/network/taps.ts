// The guests' ends of their cables. libvirt makes them and puts them on the bridge; here they are kept on it, and kept from
// sending what is not theirs. The rules go by name: they stand before the tap does.
import type { Render } from "./dhcp.ts";
import type { Found } from "./ip.ts";
import { bridgeLink } from "./names.ts";
import type { NetworkPlan, Tap } from "./network.ts";
import { GUESTS, type Rules } from "./rules.ts";

/** Answers what had been damaged; other guests than before are no damage. */
export async function ensureGuestRules(
  { rules, render }: { rules: Rules; render: Render },
  taps: readonly Tap[],
): Promise<string[]> {
  const sorted = taps
    .map((tap) => ({ ...tap, macaddr: tap.macaddr.toLowerCase() }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  const senders = sorted.flatMap(({ name, macaddr, address, also = [] }) =>
    [address, ...also].map((each) => ({ name, macaddr, address: each })),
  );
  const text = render("guests.nft", { taps: sorted, senders });
  const before = rules.isNew(GUESTS, text) ? undefined : await rules.read(GUESTS);
  const outcome = await rules.ensure(GUESTS, text, before);
  return outcome === "mended" ? ["load rules of the guests"] : [];
}

/** The taps that are there but off their bridge, or will be because it is made anew. */
export function strayTaps(plan: NetworkPlan, outside: Found): string[] {
  const bridge = bridgeLink(plan.vxid);
  const isMade = outside.links.has(bridge);
  return plan.taps.flatMap(({ name }) => {
    const link = outside.links.get(name);
    if (link === undefined) return [];
    return isMade && link.master === bridge && link.flags.includes("UP") ? [] : [name];
  });
}
