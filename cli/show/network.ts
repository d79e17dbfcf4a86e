// "network show", and what "network create" prints.
import type { ApiClient } from "#shared/api/client.ts";
import type { Metadata, Network } from "#shared/api/types.ts";
import { type Output, pick } from "../output.ts";
import { showMetadata } from "./metadata.ts";

/** Label → field. */
const fields = {
  uuid: "uuid",
  name: "name",
  "vxlan id": "vxid",
  netblock: "netblock",
  "provide dhcp": "provide_dhcp",
  "provide nat": "provide_nat",
  "floating gateway": "floating_gateway",
  namespace: "namespace",
  state: "state",
} as const;

export async function showNetwork(api: ApiClient, out: Output, network: Network): Promise<void> {
  const metadata = await api.getMetadata("networks", network.uuid);
  if (out.format === "json") return out.json(networkJson(network, metadata));
  for (const [label, field] of Object.entries(fields)) out.field(16, label, network[field]);
  showMetadata(out, metadata);
}

function networkJson(network: Network, metadata: Metadata): Record<string, unknown> {
  const shown = Object.values(fields).filter((field) => field !== "state");
  return { ...pick(network, shown), metadata };
}
