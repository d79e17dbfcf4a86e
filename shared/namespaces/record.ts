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
}

export const NAMESPACES = "namespace/";
export const namespaceKey = (name: string): string => `${NAMESPACES}${name}`;
export const keyPrefix = (namespace: string): string => `key/${namespace}/`;
export const keyKey = (namespace: string, name: string): string => `${keyPrefix(namespace)}${name}`;
