// What owners note about their objects: JSON values by key, kept in the object's own record, and so bounded.
import type { Cloud } from "./cloud.ts";
import { CloudError } from "./errors.ts";
import { type Entry, replace } from "./ports/store/store.ts";
import { transact } from "./ports/store/transact.ts";

type Metadata = Readonly<Record<string, unknown>>;

interface Described {
  metadata: Metadata;
}

const MOST_KEYS = 256;
const LONGEST_KEY = 255;
const LARGEST_VALUE_KIB = 64;
/** All of an object's: its record must fit into one request to the store, together with what else is in it. */
const LARGEST_KIB = 256;
/** Records are walked by recursion. */
const DEEPEST = 32;

/** Adds or replaces one. Rejects with "malformed" past a bound. */
export async function setMetadata(
  cloud: Cloud,
  found: Entry<Described>,
  key: string,
  value: unknown,
): Promise<void> {
  requireSmall(key, value);
  await changeMetadata(cloud, found, (metadata) => {
    const changed = { ...metadata, [key]: value };
    requireThat(Object.keys(changed).length <= MOST_KEYS, `an object has at most ${MOST_KEYS} keys`);
    requireThat(kib(changed) <= LARGEST_KIB, `all of an object's is at most ${LARGEST_KIB} KiB`);
    return changed;
  });
}

/** Rejects with "not_found" when there is none of that key. */
export async function deleteMetadata(cloud: Cloud, found: Entry<Described>, key: string): Promise<void> {
  await changeMetadata(cloud, found, (metadata) => {
    if (!Object.hasOwn(metadata, key)) throw new CloudError("not_found", "key not found");
    return Object.fromEntries(Object.entries(metadata).filter(([name]) => name !== key));
  });
}

async function changeMetadata(
  { store }: Cloud,
  { key }: Entry<Described>,
  change: (metadata: Metadata) => Metadata,
): Promise<void> {
  await transact(store, async () => {
    const entry = store.mirror.get<Described>(key) ?? (await store.get<Described>(key));
    if (entry === undefined) throw new CloudError("not_found", `${key.split("/")[0]} not found`);
    return [[replace(entry, { ...entry.value, metadata: change(entry.value.metadata) })], undefined];
  });
}

function requireSmall(key: string, value: unknown): void {
  requireThat(key.length <= LONGEST_KEY, `a key has at most ${LONGEST_KEY} characters`);
  requireThat(!isDeeper(value, DEEPEST), `a value is at most ${DEEPEST} levels deep`);
  requireThat(kib(value) <= LARGEST_VALUE_KIB, `a value is at most ${LARGEST_VALUE_KIB} KiB`);
}

function requireThat(holds: boolean, rule: string): void {
  if (!holds) throw new CloudError("malformed", `metadata: ${rule}`);
}

const kib = (value: unknown): number => Buffer.byteLength(JSON.stringify(value)) / 1024;

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1));
}
