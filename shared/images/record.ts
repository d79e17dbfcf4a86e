// An image in the cache of one node, as the store keeps it: one key per node and image.
import { createHash } from "node:crypto";

export interface ImageRecord {
  readonly url: string;
  /** SHA-256 of the URL. */
  readonly ref: string;
  readonly node: string;
  /** MD5 of what was downloaded. */
  readonly checksum: string;
  /** Bytes of what was downloaded. */
  readonly size: number;
  /** Last-Modified and ETag as the server gave them. */
  readonly modified: string | null;
  readonly etag: string | null;
  /** Seconds since 1970. */
  readonly fetched: number;
  /** Counts the changes of the image at its source, from 1. */
  readonly file_version: number;
  /** Name inside the cache directory. */
  readonly file: string;
  readonly format: "qcow2" | "raw";
  /** An `iso` is presented as a CD-ROM, as it is. */
  readonly kind: "disk" | "iso";
  readonly virtual_size_bytes: number;
}

/** The prefix of all images, or of those of one node. */
export const imagePrefix = (node?: string): string => (node === undefined ? "image/" : `image/${node}/`);

export const imageKey = (node: string, ref: string): string => `${imagePrefix(node)}${ref}`;

export const imageRef = (url: string): string => createHash("sha256").update(url).digest("hex");
