// Addresses that are taken by nothing.
import type { Cloud } from "../../cloud.ts";
import {
  type AddressRecord,
  FLOATING,
  type InterfaceRecord,
  interfaceKey,
  type NetworkRecord,
  networkKey,
} from "../../networks/record.ts";
import type { Entry } from "../../ports/store/store.ts";
import { check } from "../check.ts";
import { orphans } from "../keys.ts";

export const addresses = check({
  name: "addresses",
  summary: "Every address that is taken is an interface's or a network's",
  scope: "cloud",
  reads_store: true,
  routine: true,

  find: (cloud) => orphans<AddressRecord>(cloud, "address/", (entry) => problemOf(cloud, entry)),
});

function problemOf(cloud: Cloud, { key, value: { use, owner } }: Entry<AddressRecord>): string | undefined {
  const [, network = "", address = ""] = key.split("/");
  if (use === "gateway") {
    const gateway = cloud.store.mirror.get<NetworkRecord>(networkKey(owner))?.value.floating_gateway;
    return gateway === address ? undefined : `network ${owner} does not leave by it`;
  }
  const nic = cloud.store.mirror.get<InterfaceRecord>(interfaceKey(owner))?.value;
  const holds =
    network === FLOATING ? nic?.floating === address : nic?.network_uuid === network && nic.ipv4 === address;
  return holds && nic?.state !== "deleted" ? undefined : `interface ${owner} does not have it`;
}
