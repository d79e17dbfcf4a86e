// Keys of the store that nobody owns: what every check of allocations has in common.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { type Entry, remove } from "../ports/store/store.ts";
import type { Found } from "./check.ts";

const MIRROR_MS = 2000;

/** As the store has them now, the mirror having everything that they were made with. */
export async function listFresh<T>({ store }: Cloud, prefix: string): Promise<Entry<T>[]> {
  const entries = await store.list<T>(prefix);
  const newest = Math.max(0, ...entries.map(({ revision }) => revision));
  if (await store.mirror.reached(newest, MIRROR_MS)) return entries;
  throw new CloudError("unavailable", "etcd tells of no changes: what is recorded is not known");
}

/** Goes if it is still as it was read. */
export const removal =
  ({ store }: Cloud, entry: Entry) =>
  async (): Promise<void> => {
    await store.commit([remove(entry)]);
  };

/** How a person removes a key. */
export const byHand = ({ config }: Cloud, key: string): string =>
  `etcdctl del ${config.ETCD_PREFIX.replace(/\/$/, "")}/${key}`;

/** A key that can go, with the reason. */
export const orphan = (cloud: Cloud, entry: Entry, problem: string): Found => ({
  ...{ subject: entry.key, problem, mend: byHand(cloud, entry.key), fix: removal(cloud, entry) },
});

/** Of the keys below the prefix those for which a problem is told. */
export async function orphans<T>(
  cloud: Cloud,
  prefix: string,
  problemOf: (entry: Entry<T>) => string | undefined,
): Promise<Found[]> {
  return (await listFresh<T>(cloud, prefix)).flatMap((entry) => {
    const problem = problemOf(entry);
    return problem === undefined ? [] : [orphan(cloud, entry, problem)];
  });
}
