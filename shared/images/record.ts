// Images as the store keeps them: one key per node and image for what is cached, what is being fetched, and what was refused.
import { createHash } from "node:crypto";
import type { ErrorKind } from "../errors.ts";
import type { Phase } from "./progress.ts";

/** What a server offered under a URL. */
export interface Offer {
  readonly url: string;
  /** SHA-256 of the URL. */
  readonly ref: string;
  readonly node: string;
  /** Bytes of what was downloaded. */
  readonly size: number;
  /** Last-Modified and ETag as the server gave them. */
  readonly modified: string | null;
  readonly etag: string | null;
  /** SHA-256 of what was downloaded. Digests take time: only those are made that somebody gave a checksum of. */
  readonly sha256?: string;
}

export interface ImageRecord extends Offer {
  /** MD5, as `sha256`. */
  readonly checksum: string | null;
  readonly sha512?: string;
  /** Seconds since 1970. */
  readonly fetched: number;
  /** When it was last handed out, within a minute; s. */
  readonly used?: number;
  /** Counts the changes of the image at its source, from 1. */
  readonly file_version: number;
  /** Name inside the cache directory. */
  readonly file: string;
  /** Of the file, in bytes and in whole seconds: a file that has others is not the one that was placed. */
  readonly file_size?: number;
  readonly file_mtime?: number;
  readonly format: "qcow2" | "raw";
  /** An `iso` is presented as a CD-ROM, as it is. */
  readonly kind: "disk" | "iso";
  readonly virtual_size_bytes: number;
}

/** A fetch that is under way; hangs on a lease of its node. */
export interface FetchRecord {
  readonly url: string;
  readonly ref: string;
  readonly node: string;
  readonly phase: Phase;
  /** Bytes of the phase. */
  readonly done: number;
  readonly total: number | null;
  readonly started: number;
}

/** An offer that was refused: not asked for again while it stays the same, until `until`. */
export interface BadRecord extends Offer {
  readonly kind: ErrorKind;
  readonly reason: string;
  readonly since: number;
  readonly until: number;
  /** It was refused for not being this, as a user gave it: whoever wants something else may have it. Null: for all. */
  readonly unlike: string | null;
}

/** The prefix of all images, or of those of one node. */
export const imagePrefix = (node?: string): string => below("image", node);
export const fetchPrefix = (node?: string): string => below("fetch", node);
export const badPrefix = (node?: string): string => below("bad_image", node);

const below = (noun: string, node: string | undefined): string =>
  node === undefined ? `${noun}/` : `${noun}/${node}/`;

export const imageKey = (node: string, ref: string): string => `${imagePrefix(node)}${ref}`;
export const fetchKey = (node: string, ref: string): string => `${fetchPrefix(node)}${ref}`;
export const badKey = (node: string, ref: string): string => `${badPrefix(node)}${ref}`;

export const imageRef = (url: string): string => createHash("sha256").update(url).digest("hex");
