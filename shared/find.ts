// From a reference in a path to the object: by UUID, or by a name that only one living object of the caller has.
// What the caller does not own does not exist for them.
import { type Caller, type Cloud, isSystem } from "./cloud.ts";
import { CloudError } from "./errors.ts";
import type { Entry } from "./ports/store/store.ts";

interface Owned {
  uuid: string;
  name: string | null;
  namespace: string | null;
  state: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Lower case, hyphens. */
export const isUuid = (text: string): boolean => UUID.test(text);

export const owns = (caller: Caller, object: { namespace: string | null }): boolean =>
  isSystem(caller) || object.namespace === caller.namespace;

/** By its UUID, if the caller owns it and this node knows it: without a wait. */
export function findKnown<T extends Owned>(
  cloud: Cloud,
  caller: Caller,
  prefix: string,
  uuid: string,
): Entry<T> | undefined {
  const entry = cloud.store.mirror.get<T>(prefix + uuid);
  return entry !== undefined && owns(caller, entry.value) ? entry : undefined;
}

/** Rejects with "not_found" (`<noun> not found`, what clients look for), and "malformed" listing the candidates of a name. */
export async function findByRef<T extends Owned>(
  cloud: Cloud,
  caller: Caller,
  noun: string,
  prefix: string,
  ref: string,
): Promise<Entry<T>> {
  const known = cloud.store.mirror.get<T>(prefix + ref) ?? byName<T>(cloud, caller, noun, prefix, ref);
  const entry = known ?? (await cloud.store.get<T>(prefix + ref));
  if (entry === undefined || !owns(caller, entry.value))
    throw new CloudError("not_found", `${noun} not found`);
  return entry;
}

function byName<T extends Owned>(
  cloud: Cloud,
  caller: Caller,
  noun: string,
  prefix: string,
  name: string,
): Entry<T> | undefined {
  if (isUuid(name)) return undefined;
  const named = cloud.store.mirror
    .list<T>(prefix)
    .filter(({ value }) => value.name === name && owns(caller, value) && value.state !== "deleted");
  if (named.length <= 1) return named[0];
  const candidates = named.map(({ value }) => value.uuid).sort();
  throw new CloudError(
    "malformed",
    `${noun} name '${name}' is ambiguous, use one of: ${candidates.join(", ")}`,
  );
}
