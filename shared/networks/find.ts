// Networks as a caller may see them.
import type { Caller, Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { findByRef, findKnown, owns } from "../find.ts";
import type { Entry } from "../ports/store/store.ts";
import {
  type AddressRecord,
  addressPrefix,
  FLOATING,
  type InterfaceRecord,
  interfaceKey,
  isCarried,
  isOver,
  NETWORKS,
  type NetworkRecord,
  networkKey,
} from "./record.ts";

interface Path {
  cloud: Cloud;
  caller: Caller;
  params: Readonly<Record<string, string>>;
}

/** The network of the path, deleted ones included. */
export function theNetwork({ cloud, caller, params }: Path): FoundNetwork | Promise<FoundNetwork> {
  const { network_ref: ref = "" } = params;
  return findKnown(cloud, caller, NETWORKS, ref) ?? findByRef(cloud, caller, "network", NETWORKS, ref);
}

type FoundNetwork = Entry<NetworkRecord>;

/** A network that a new instance may use. Rejects with "not_found", naming the reference. */
export async function findUsableNetwork(
  cloud: Cloud,
  caller: Caller,
  ref: string,
): Promise<Entry<NetworkRecord>> {
  const gone = new CloudError("not_found", `network ${ref} not found`);
  const entry = await findByRef<NetworkRecord>(cloud, caller, "network", NETWORKS, ref).catch(
    (error: unknown) => {
      throw error instanceof CloudError && error.kind === "not_found" ? gone : error;
    },
  );
  if (ref === FLOATING || isOver(entry.value.state) || entry.value.state === "deleting") throw gone;
  return entry;
}

/** Own ones, all of them for `system`; without `all` only the living. */
export function listNetworks(cloud: Cloud, caller: Caller, all: boolean): readonly NetworkRecord[] {
  const entries = cloud.store.mirror.list<NetworkRecord>(NETWORKS);
  return cloud.memo.of(entries, `${caller.namespace} ${all}`, () =>
    Object.freeze(
      entries.map(({ value }) => value).filter((each) => owns(caller, each) && (all || !isOver(each.state))),
    ),
  );
}

/** Rejects with "conflict", and why, unless nodes carry it or will. */
export function requireWorkingNetwork(cloud: Cloud, uuid: string): void {
  const network = cloud.store.mirror.get<NetworkRecord>(networkKey(uuid))?.value;
  if (network === undefined) throw new CloudError("not_found", "interface network not found");
  if (isCarried(network)) return;
  const reason = network.error_message === null ? "" : `: ${network.error_message}`;
  throw new CloudError("conflict", `network ${uuid}: not possible while ${network.state}${reason}`);
}

/** The living interfaces on a network, found by the addresses they hold. */
export function interfacesOn(cloud: Cloud, network: string): InterfaceRecord[] {
  return cloud.store.mirror
    .list<AddressRecord>(addressPrefix(network))
    .filter(({ value }) => value.use === "interface")
    .map(({ value }) => cloud.store.mirror.get<InterfaceRecord>(interfaceKey(value.owner))?.value)
    .filter((found): found is InterfaceRecord => found !== undefined && found.state !== "deleted");
}
