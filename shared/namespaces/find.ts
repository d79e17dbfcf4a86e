// For whom an object is made: the caller's namespace, or for `system` any that exists.
import { type Caller, type Cloud, isSystem } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import type { Entry } from "../ports/store/store.ts";
import { type NamespaceRecord, namespaceKey } from "./record.ts";

/** To be checked in the transaction that makes the object. Rejects with "unauthenticated" and "not_found". */
export async function namespaceFor(
  cloud: Cloud,
  caller: Caller,
  asked: string | null | undefined,
): Promise<Entry<NamespaceRecord>> {
  const name = asked ?? caller.namespace;
  if (name !== caller.namespace && !isSystem(caller)) {
    throw new CloudError("unauthenticated", "only admins can create resources in a different namespace");
  }
  const key = namespaceKey(name);
  const entry = cloud.store.mirror.get<NamespaceRecord>(key) ?? (await cloud.store.get<NamespaceRecord>(key));
  if (entry === undefined) throw new CloudError("not_found", "namespace does not exist");
  return entry;
}
