// From a namespace and one of its keys to a token.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import type { Entry } from "../ports/store/store.ts";
import { isExpired, type KeyRecord, keyPrefix, NAME } from "./record.ts";

/**
 * Rejects with "unauthenticated" for a wrong key and for a namespace that does not exist alike, and with "throttled" after
 * too many of these; never for a key that was right before.
 */
export async function login(cloud: Cloud, namespace: string, key: string): Promise<string> {
  const unauthorized = new CloudError("unauthenticated", "unauthorized");
  if (!NAME.test(namespace)) throw unauthorized;
  const found =
    cloud.keys.recall(key, keysInMirror(cloud, namespace)) ??
    (await cloud.keys.gate.attempt(
      namespace,
      () => cloud.clock.now(),
      () => findKey(cloud, namespace, key),
    ));
  if (found === undefined) throw unauthorized;
  return cloud.tokens.issue(namespace, found, timeLeft(cloud, found));
}

/** Once more by what the store itself has, if that is more than this node had heard of. */
async function findKey(cloud: Cloud, namespace: string, key: string): Promise<KeyRecord | undefined> {
  const near = keysInMirror(cloud, namespace);
  const found = cloud.keys.recall(key, near) ?? (await cloud.keys.find(key, near));
  if (found !== undefined) return found;
  const all = usable(cloud, await cloud.store.list<KeyRecord>(keyPrefix(namespace)));
  const news = all.filter(({ hash }) => !near.some((other) => other.hash === hash));
  return news.length === 0 ? undefined : cloud.keys.find(key, news);
}

const timeLeft = ({ clock }: Cloud, { expires }: KeyRecord): number =>
  expires === undefined ? Number.POSITIVE_INFINITY : expires - clock.now();

const keysInMirror = (cloud: Cloud, namespace: string): KeyRecord[] =>
  usable(cloud, cloud.store.mirror.list<KeyRecord>(keyPrefix(namespace)));

const usable = (cloud: Cloud, entries: readonly Entry<KeyRecord>[]): KeyRecord[] =>
  entries.map(({ value }) => value).filter((record) => !isExpired(record, cloud.clock.now()));
