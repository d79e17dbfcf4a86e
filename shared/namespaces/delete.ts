// Deletes a namespace, with its keys and what is noted about it, in one transaction.
import { type Cloud, SYSTEM } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { type Change, discard, remove } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import {
  type KeyRecord,
  keyPrefix,
  type NamespaceRecord,
  namespaceKey,
  namespaceUsersKey,
} from "./record.ts";

/**
 * Rejects with "forbidden" for `system`, and with what `requireUnused` throws, which is asked about the mirror; one that
 * there is not is fine.
 */
export async function deleteNamespace(
  { store }: Cloud,
  name: string,
  requireUnused: () => void,
): Promise<void> {
  if (name === SYSTEM) throw new CloudError("forbidden", "you cannot delete the system namespace");
  await transact(store, async () => {
    const namespace = await store.get<NamespaceRecord>(namespaceKey(name));
    if (namespace === undefined) return [[], undefined];
    const keys = await store.list<KeyRecord>(keyPrefix(name));
    // From the mirror, and at once: what it does not show of users it has not heard of either, and the commit finds out.
    const users = store.mirror.get(namespaceUsersKey(name));
    requireUnused();
    const unused: Change = users === undefined ? { key: namespaceUsersKey(name), expect: 0 } : remove(users);
    return [[remove(namespace), unused, ...keys.map(({ key }) => discard(key))], undefined];
  });
}
