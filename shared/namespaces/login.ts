// From a namespace and one of its keys to a token.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import type { Entry } from "../ports/store/store.ts";
import { type KeyRecord, keyPrefix } from "./record.ts";

/** Rejects with "unauthenticated" for a wrong key and for a namespace that does not exist alike. */
export async function login(cloud: Cloud, namespace: string, key: string): Promise<string> {
  const prefix = keyPrefix(namespace);
  const found =
    (await findKey(cloud, cloud.store.mirror.list<KeyRecord>(prefix), key)) ??
    (await findKey(cloud, await cloud.store.list<KeyRecord>(prefix), key));
  if (found === undefined) throw new CloudError("unauthenticated", "unauthorized");
  return cloud.tokens.issue(namespace, found);
}

async function findKey(
  cloud: Cloud,
  entries: readonly Entry<KeyRecord>[],
  key: string,
): Promise<KeyRecord | undefined> {
  for (const { value } of entries) {
    if (await cloud.keys.matches(key, value.hash)) return value;
  }
  return undefined;
}
