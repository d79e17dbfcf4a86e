// One network interface in a "show": seven values in a fixed order.
import type { NetworkInterface } from "#shared/api/types.ts";
import { type Output, pick } from "../output.ts";

/** Label in pretty → field. */
const fields = {
  uuid: "uuid",
  network: "network_uuid",
  macaddr: "macaddr",
  order: "order",
  ipv4: "ipv4",
  floating: "floating",
  model: "model",
} as const;

export function interfaceJson(nic: NetworkInterface): Record<string, unknown> {
  return pick(nic, Object.values(fields));
}

export function showInterfaceFields(out: Output, nic: NetworkInterface): void {
  for (const [label, field] of Object.entries(fields)) out.indentedField(8, label, nic[field]);
}

export function showInterfaceRows(out: Output, nics: readonly NetworkInterface[]): void {
  out.row("iface", "interface uuid", "network uuid", "macaddr", "order", "ipv4", "floating", "model");
  for (const nic of nics) out.row("iface", ...Object.values(interfaceJson(nic)));
}
