// Images as the wire shows them. The size of one is a string: clients in Go depend on that. What is only on its way, or was
// refused, has the fields of an image all the same, with nothing in them.
import type { ImageMeta } from "../api/types.ts";
import { hideUrlSecrets } from "../urls.ts";
import type { BadRecord, FetchRecord, ImageRecord } from "./record.ts";

/** What one node knows of one image. */
export interface Known {
  image?: ImageRecord;
  fetch?: FetchRecord;
  bad?: BadRecord;
  /** How many disks stand on it. */
  in_use: number;
}

export function viewImage({ image, fetch, bad, in_use }: Known): ImageMeta | undefined {
  const any = image ?? fetch ?? bad;
  if (any === undefined) return undefined;
  return {
    url: hideUrlSecrets(any.url),
    checksum: image?.checksum ?? null,
    size: sizeOf(image?.size ?? lengthOf(fetch) ?? bad?.size),
    modified: image?.modified ?? null,
    fetched: rfc2822(image?.fetched),
    file_version: image?.file_version ?? 0,
    version: 1,
    ref: any.ref,
    node: any.node,
    state: image !== undefined ? "cached" : fetch !== undefined ? "fetching" : "bad",
    phase: fetch?.phase ?? null,
    done: fetch?.done ?? null,
    total: fetch?.total ?? null,
    reason: bad?.reason ?? null,
    format: image === undefined ? null : image.kind === "iso" ? "iso" : image.format,
    virtual_size: image?.virtual_size_bytes ?? null,
    sha256: image?.sha256 ?? null,
    used: rfc2822(image?.used ?? image?.fetched),
    in_use,
  };
}

/** Later phases count other bytes. */
const lengthOf = (fetch: FetchRecord | undefined): number | null =>
  fetch?.phase === "download" ? fetch.total : null;

const sizeOf = (bytes: number | null | undefined): string | null => (bytes == null ? null : String(bytes));

function rfc2822(seconds: number | undefined): string | null {
  return seconds === undefined ? null : new Date(seconds * 1000).toUTCString().replace("GMT", "-0000");
}
