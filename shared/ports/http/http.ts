// Fetching from servers that tenants name. Only http and https; where a connection may go is decided per address.
import { CloudError } from "../../errors.ts";

export const ALGORITHMS = ["md5", "sha256", "sha512"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];
export type Digests = Readonly<Partial<Record<Algorithm, string>>>;

export interface HttpResponse {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
}

/** Where a broken transfer can be taken up again. */
export interface ResumePoint {
  /** What the file holds. */
  readonly bytes: number;
  /** A strong ETag or a Last-Modified: of the same thing the rest must come. */
  readonly validator: string;
  /** Its whole length, where the server said it. */
  readonly total: number | null;
}

export interface DownloadOptions {
  /** Headers of the request, e.g. `if-none-match`. */
  headers?: Readonly<Record<string, string>>;
  /** Goes on with what the file holds, if the server still has the same; otherwise the file starts anew. */
  from?: ResumePoint | undefined;
  /** More than this is refused, by Content-Length where there is one, by counting otherwise. */
  max_bytes: number;
  /** The whole transfer, and the longest silence inside it. */
  timeout_ms: number;
  idle_ms: number;
  /** Fewer bytes than this in a stretch of time end the transfer. */
  slowest?: { bytes: number; in_ms: number };
  /** Made of the whole file while it arrives, in threads of their own. */
  digests?: readonly Algorithm[];
  /** Told of what the file holds, often; the end is null where the server did not say it. */
  progress?: (bytes: number, total: number | null) => void;
  signal?: AbortSignal;
}

export interface Download extends HttpResponse {
  /** Of the whole file, also when only the rest of it was fetched. */
  bytes: number;
  resumed: boolean;
  digests: Digests;
}

/**
 * All reject with CloudError: "malformed" for a URL that is not http(s) or whose host resolves only to addresses that are
 * not allowed; "unreachable" for anything of the network, in glibc's words for a name that does not resolve
 * (`Name or service not known`), and for a body that ends before its Content-Length; "too_large" past `max_bytes`;
 * "insufficient" when the disk is full. What another try will not change is marked (`isLasting`).
 * At most five redirects are followed, and each target is checked like the first.
 */
export interface Http {
  head(url: string, options: { timeout_ms: number; signal?: AbortSignal }): Promise<HttpResponse>;
  /**
   * A status other than 200 is an answer, not an error; nothing is written to `file` then. When a transfer breaks, what
   * arrived stays in the file, and `resumePoint` of the error says how to go on.
   */
  download(url: string, file: string, options: DownloadOptions): Promise<Download>;
  /** Of a file that lies still; rejects with CloudError "unreachable" when it is stopped. */
  digest(
    file: string,
    algorithms: readonly Algorithm[],
    options?: { progress?: (bytes: number, total: number) => void; signal?: AbortSignal },
  ): Promise<Digests>;
}

/**
 * Of the error of a download: null when the file must start anew, undefined when it holds what it held before.
 */
export function resumePoint(error: unknown): ResumePoint | null | undefined {
  return error instanceof CloudError ? (error.detail.resume as ResumePoint | null | undefined) : undefined;
}

/** Whether the same request would end the same way: certificates, garbage, redirects without end. */
export function isLasting(error: unknown): boolean {
  return error instanceof CloudError && (error.kind !== "unreachable" || error.detail.lasting === true);
}
