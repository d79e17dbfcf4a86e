// Namespaces and their keys as the store keeps them: one key of the store each.

export interface NamespaceRecord {
  name: string;
  metadata: Record<string, unknown>;
}

export interface KeyRecord {
  name: string;
  /** argon2id, in its own text form. */
  hash: string;
  /** New with every change of the key: tokens carry it, and die with it. */
  id: string;
  /** Seconds since 1970; without it the key is good until it is removed. */
  expires?: number;
}

export const NAMESPACES = "namespace/";
export const namespaceKey = (name: string): string => `${NAMESPACES}${name}`;
export const keyPrefix = (namespace: string): string => `key/${namespace}/`;
export const keyKey = (namespace: string, name: string): string => `${keyPrefix(namespace)}${name}`;
/** Written by everything that begins to be in the namespace, compared by its deletion: neither can miss the other. */
export const namespaceUsersKey = (name: string): string => `namespace-users/${name}`;

/** Of namespaces and keys. It stands in paths as it is: no slash, and neither "." nor "..". */
export const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,63}$/;
export const NAME_RULE = "must be 1 to 63 letters, digits, '.', '_' or '-'";

export const isExpired = ({ expires }: KeyRecord, now: number): boolean =>
  expires !== undefined && expires <= now;
