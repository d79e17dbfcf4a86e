// Makes namespaces and changes their keys. Every change of a key writes its namespace anew too, so that neither the
// deletion of the namespace nor the count of its keys can miss it.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { type Change, create, type Entry, put, remove, replace, type Store } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import { noNamespace } from "./find.ts";
import { hashKey } from "./keys.ts";
import {
  isExpired,
  type KeyRecord,
  keyKey,
  keyPrefix,
  NAME,
  NAME_RULE,
  type NamespaceRecord,
  namespaceKey,
} from "./record.ts";

/** A namespace goes in one transaction with all its keys. */
const MOST_KEYS = 100;

export interface NewKey {
  name: string;
  key: string;
  /** Seconds since 1970. */
  expires?: number | null | undefined;
}

/** What an installer does: adds or replaces this one key, and makes the namespace where it is missing. */
export async function setKey(store: Store, namespace: string, name: string, key: string): Promise<void> {
  for (const each of [namespace, name])
    if (!NAME.test(each)) throw new CloudError("malformed", `${each}: ${NAME_RULE}`);
  await makeNamespace(store, namespace, await seal(store, namespace, { name, key }));
}

/**
 * To be stored by one of the changes below. Rejects with "forbidden" for the name that the old server kept for itself, and
 * with "malformed" for an end that is over.
 */
export async function sealKey(cloud: Cloud, namespace: string, key: NewKey): Promise<KeyRecord> {
  if (key.name === "service_key") throw new CloudError("forbidden", "illegal key name");
  const sealed = await cloud.keys.gate.turn(() => seal(cloud.store, namespace, key));
  if (isExpired(sealed, cloud.clock.now())) throw new CloudError("malformed", "expires lies in the past");
  return sealed;
}

async function seal(store: Store, namespace: string, { name, key, expires }: NewKey): Promise<KeyRecord> {
  const [other] = await store.list<KeyRecord>(keyPrefix(namespace), { limit: 1 });
  const hash = await hashKey(key, other?.value.hash);
  return { name, hash, id: crypto.randomUUID(), ...(expires == null ? {} : { expires }) };
}

/** One that exists keeps what it has; a key is added to it or replaced. */
export async function makeNamespace(store: Store, name: string, key?: KeyRecord): Promise<void> {
  await transact(store, async () => {
    const found = await store.get<NamespaceRecord>(namespaceKey(name));
    const added = key === undefined ? [] : await adding(store, name, key);
    if (found === undefined)
      return [[create(namespaceKey(name), { name, metadata: {} }), ...added], undefined];
    return [added.length === 0 ? [] : [...added, anew(found)], undefined];
  });
}

/** Adds or replaces it. Rejects with "not_found" when there is no such namespace. */
export const addKey = (store: Store, namespace: string, key: KeyRecord): Promise<void> =>
  changeKeys(store, namespace, () => adding(store, namespace, key));

/** Rejects with "not_found" when there is no such namespace or key. */
export const replaceKey = (store: Store, namespace: string, key: KeyRecord): Promise<void> =>
  changeKeys(store, namespace, async () => [
    replace(await findKey(store, namespace, key.name, "key does not exist"), key),
  ]);

/** Rejects with "not_found" when there is no such namespace or key. */
export const deleteKey = (store: Store, namespace: string, name: string): Promise<void> =>
  changeKeys(store, namespace, async () => [
    remove(await findKey(store, namespace, name, "key name not found in namespace")),
  ]);

async function changeKeys(store: Store, name: string, decide: () => Promise<Change[]>): Promise<void> {
  await transact(store, async () => {
    const found = await store.get<NamespaceRecord>(namespaceKey(name));
    if (found === undefined) throw noNamespace();
    return [[...(await decide()), anew(found)], undefined];
  });
}

const anew = (namespace: Entry<NamespaceRecord>): Change => replace(namespace, namespace.value);

async function adding(store: Store, namespace: string, key: KeyRecord): Promise<Change[]> {
  const where = keyKey(namespace, key.name);
  const others = (await store.list(keyPrefix(namespace))).filter((entry) => entry.key !== where);
  if (others.length >= MOST_KEYS)
    throw new CloudError("malformed", `namespace ${namespace}: has ${MOST_KEYS} keys, which is the most`);
  return [put(where, key)];
}

async function findKey(
  store: Store,
  namespace: string,
  name: string,
  none: string,
): Promise<Entry<KeyRecord>> {
  const found = await store.get<KeyRecord>(keyKey(namespace, name));
  if (found === undefined) throw new CloudError("not_found", none);
  return found;
}
