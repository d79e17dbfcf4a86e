// An image as the wire shows it. Its size is a string: clients in Go depend on that.
import type { ImageMeta } from "../api/types.ts";
import { hideUrlSecrets } from "../urls.ts";
import type { ImageRecord } from "./record.ts";

export function viewImage(image: ImageRecord): ImageMeta {
  return {
    url: hideUrlSecrets(image.url),
    checksum: image.checksum,
    size: String(image.size),
    modified: image.modified,
    fetched: rfc2822(image.fetched),
    file_version: image.file_version,
    version: 1,
    ref: image.ref,
    node: image.node,
  };
}

function rfc2822(seconds: number): string {
  return new Date(seconds * 1000).toUTCString().replace("GMT", "-0000");
}
