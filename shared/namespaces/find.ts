// Namespaces by their name, and for whom an object is made: the caller's, or for `system` any that exists.
import { type Caller, type Cloud, isSystem } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { type Change, check, type Entry, put } from "../ports/store/store.ts";
import { type NamespaceRecord, namespaceKey, namespaceUsersKey } from "./record.ts";

interface Path {
  cloud: Cloud;
  params: Readonly<Record<string, string>>;
}

/** The namespace of the path. */
export const theNamespace = ({ cloud, params }: Path): Promise<Entry<NamespaceRecord>> =>
  findNamespace(cloud, params.namespace ?? "");

/** Rejects with "unauthenticated" and "not_found". */
export async function namespaceFor(
  cloud: Cloud,
  caller: Caller,
  asked: string | null | undefined,
): Promise<Entry<NamespaceRecord>> {
  const name = asked ?? caller.namespace;
  if (name !== caller.namespace && !isSystem(caller)) {
    throw new CloudError("unauthenticated", "only admins can create resources in a different namespace");
  }
  return findNamespace(cloud, name);
}

/** In the transaction that makes something in the namespace: both exist then, and its deletion learns of it. */
export const noteNamespaceUser = (namespace: Entry<NamespaceRecord>): Change[] => [
  check(namespace),
  put(namespaceUsersKey(namespace.value.name), {}),
];

async function findNamespace({ store }: Cloud, name: string): Promise<Entry<NamespaceRecord>> {
  const key = namespaceKey(name);
  const entry = store.mirror.get<NamespaceRecord>(key) ?? (await store.get<NamespaceRecord>(key));
  if (entry === undefined) throw noNamespace();
  return entry;
}

export const noNamespace = (): CloudError => new CloudError("not_found", "namespace does not exist");
