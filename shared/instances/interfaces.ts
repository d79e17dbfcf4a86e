// An interface as a caller may see it: it is the caller's when both its instance and its network are.
import type { Caller, Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { isUuid, owns } from "../find.ts";
import { type InterfaceRecord, interfaceKey, type NetworkRecord, networkKey } from "../networks/record.ts";
import type { Entry } from "../ports/store/store.ts";
import { type InstanceRecord, instanceKey } from "./record.ts";

interface Path {
  cloud: Cloud;
  caller: Caller;
  params: Readonly<Record<string, string>>;
}

/** The interface of the path, deleted ones included. */
export async function theInterface({ cloud, caller, params }: Path): Promise<Entry<InterfaceRecord>> {
  const unknown = new CloudError("not_found", "interface not found");
  const uuid = params.interface_uuid ?? "";
  const entry = isUuid(uuid) ? await read<InterfaceRecord>(cloud, interfaceKey(uuid)) : undefined;
  if (entry === undefined) throw unknown;
  const instance = await read<InstanceRecord>(cloud, instanceKey(entry.value.instance_uuid));
  if (instance === undefined || !owns(caller, instance.value)) throw unknown;
  const network = await read<NetworkRecord>(cloud, networkKey(entry.value.network_uuid));
  if (network === undefined) throw new CloudError("not_found", "interface network not found");
  if (!owns(caller, network.value)) throw unknown;
  return entry;
}

/** What the mirror does not have is asked for where it would be. */
const read = async <T>({ store }: Cloud, key: string): Promise<Entry<T> | undefined> =>
  store.mirror.get<T>(key) ?? (await store.get<T>(key));
