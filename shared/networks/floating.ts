// The floating network: the addresses by which guests leave and are reached. It has no record: it is a setting.
import { type Caller, type Cloud, isSystem } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import type { Entry } from "../ports/store/store.ts";
import { pickAddress } from "./allocate.ts";
import { theNetwork } from "./find.ts";
import { parseNetblock } from "./netblock.ts";
import { FLOATING, type NetworkRecord, networkKey } from "./record.ts";

/** A free floating address. Rejects with "not_found" where there is no such network, "insufficient" when it is full. */
export function pickFloating(cloud: Cloud): string {
  const netblock = cloud.config.FLOATING_NETWORK;
  if (netblock === "") throw new CloudError("not_found", "floating network not found");
  return pickAddress(cloud, FLOATING, parseNetblock(netblock), new Set());
}

/** The network of the path; `system` sees the floating one as a network like others. */
export async function theNetworkOrFloating(path: {
  cloud: Cloud;
  caller: Caller;
  params: Readonly<Record<string, string>>;
}): Promise<Entry<NetworkRecord>> {
  const { cloud, caller, params } = path;
  const isFloating = params.network_ref === FLOATING && cloud.config.FLOATING_NETWORK !== "";
  if (!isFloating || !isSystem(caller)) return theNetwork(path);
  return { key: networkKey(FLOATING), revision: 0, value: floatingNetwork(cloud) };
}

const floatingNetwork = (cloud: Cloud): NetworkRecord => ({
  uuid: FLOATING,
  name: FLOATING,
  namespace: null,
  netblock: cloud.config.FLOATING_NETWORK,
  provide_dhcp: false,
  provide_nat: false,
  vxid: 0,
  floating_gateway: null,
  // Nothing ever moves it on, and clients have always seen it so.
  state: "initial",
  state_updated: 0,
  error_message: null,
  metadata: {},
});
