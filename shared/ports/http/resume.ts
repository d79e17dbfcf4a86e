// Taking up a broken transfer: only the rest of the very same thing may be added to what is there, or a file would be
// mixed of two.
import type { HttpResponse, ResumePoint } from "./http.ts";

/** Headers that ask for the rest, or for the whole if it is not the same any more (RFC 9110, 13.1.5). */
export function rangeHeaders(from: ResumePoint | undefined): Record<string, string> {
  return from === undefined ? {} : { range: `bytes=${from.bytes}-`, "if-range": from.validator };
}

/** Whether the answer is the rest of what is there; servers that ignore If-Range or count wrongly are found out. */
export function isTheRest({ status, headers }: HttpResponse, from: ResumePoint): boolean {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers["content-range"] ?? "");
  if (status !== 206 || range === null) return false;
  const [first, last] = [Number(range[1]), Number(range[2])];
  const total = range[3] === "*" ? (from.total ?? last + 1) : Number(range[3]);
  const length = headers["content-length"];
  return (
    first === from.bytes &&
    last + 1 === total &&
    (from.total === null || from.total === total) &&
    (length === undefined || Number(length) === total - first) &&
    isSame(headers, from.validator)
  );
}

function isSame(headers: HttpResponse["headers"], validator: string): boolean {
  const now = validator.startsWith('"') ? headers.etag : headers["last-modified"];
  return now === undefined || now === validator;
}

/** Null where the server gave nothing by which the same thing could be known again. */
export function pointOf(answer: HttpResponse, bytes: number, total: number | null): ResumePoint | null {
  const { etag, "last-modified": modified } = answer.headers;
  const validator = etag?.startsWith('"') ? etag : modified;
  return validator === undefined || bytes === 0 ? null : { bytes, validator, total };
}
