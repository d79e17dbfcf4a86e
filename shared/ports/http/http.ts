// Fetching from servers that tenants name. Only http and https; where a connection may go is decided per address.

export interface HttpResponse {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
}

export interface DownloadOptions {
  /** Headers of the request, e.g. `if-none-match`. */
  headers?: Readonly<Record<string, string>>;
  /** More than this is refused, by Content-Length where there is one, by counting otherwise. */
  max_bytes: number;
  /** The whole transfer, and the longest silence inside it. */
  timeout_ms: number;
  idle_ms: number;
  signal?: AbortSignal;
}

export interface Download extends HttpResponse {
  bytes: number;
  md5: string;
}

/**
 * Both reject with CloudError: "malformed" for a URL that is not http(s) or whose host resolves only to addresses that are
 * not allowed; "unreachable" for anything of the network, in glibc's words for a name that does not resolve
 * (`Name or service not known`); "too_large" past `max_bytes`; "insufficient" when the disk is full; "unreachable" too when the body ends before its Content-Length.
 * At most five redirects are followed, and each target is checked like the first.
 * A status other than 200 is an answer, not an error; nothing is written to `file` then.
 */
export interface Http {
  head(url: string, options: { timeout_ms: number; signal?: AbortSignal }): Promise<HttpResponse>;
  download(url: string, file: string, options: DownloadOptions): Promise<Download>;
}
