// Events as the store keeps them: a key each, ascending by time within their object.
import type { ObjectType } from "../cloud.ts";
import { hideUrlSecrets } from "../urls.ts";

export interface EventRecord {
  timestamp: number;
  object_type: string;
  object_uuid: string;
  /** Of the node that saw it. */
  fqdn: string;
  operation: string | null;
  phase: string | null;
  duration: number | null;
  message: string | null;
}

/** The newest ones that are kept of an object. */
export const KEPT = 300;

const CHECKSUM = /#[a-z0-9]+:[0-9a-f]*$/i;

/** An image is known by a URL, whose secrets are nobody's to read, whatever its checksum is to be. */
export const objectName = (uuid: string): string => hideUrlSecrets(uuid.replace(CHECKSUM, ""));

/** Encoded, so that no URL is the prefix of another. */
export const eventPrefix = (type: ObjectType, uuid: string): string =>
  `event/${type}/${encodeURIComponent(objectName(uuid))}/`;
