// Gives a namespace a key, making the namespace where it is missing: what an installer does for `system`.

import { create, put, type Store } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import { hashKey } from "./keys.ts";
import { type KeyRecord, keyKey, namespaceKey } from "./record.ts";

/** Adds or replaces this one key; the others stay, tokens of the replaced one die. */
export async function setKey(store: Store, namespace: string, name: string, key: string): Promise<void> {
  const record: KeyRecord = { name, hash: await hashKey(key), id: crypto.randomUUID() };
  await transact(store, async () => {
    const known = await store.get(namespaceKey(namespace));
    const made =
      known === undefined ? [create(namespaceKey(namespace), { name: namespace, metadata: {} })] : [];
    return [[...made, put(keyKey(namespace, name), record)], undefined];
  });
}
