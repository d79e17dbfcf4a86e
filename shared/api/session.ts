// A logged-in conversation with one API: logs in when first needed, keeps the token for as long as the process lives,
// and on a 401 logs in again once and repeats the call once.
import { ApiError, ConnectionError } from "./errors.ts";
import { type Answer, type Response, request } from "./exchange.ts";

export interface SessionOptions {
  /** "http://host:13000"; a trailing "/" and a path before it are fine. */
  readonly url: string;
  readonly namespace: string;
  readonly key: string;
  readonly user_agent?: string;
  readonly connect_ms?: number;
  /** For one call; deletes and snapshots are answered when they are done. */
  readonly deadline_ms?: number;
  readonly max_bytes?: number;
  /** Told of each request and answer, without keys and tokens. */
  readonly trace?: (line: string) => void;
}

export type Method = "GET" | "POST" | "PUT" | "DELETE";

const TRACE_LENGTH = 10_000;

export class Session {
  readonly #options: SessionOptions;
  readonly #base: URL;
  #token: Promise<string> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#base = parseBase(options.url);
  }

  /** The answer's body as it came. */
  async bytes(method: Method, path: string, body?: unknown): Promise<Buffer> {
    const response = await this.#ask(method, path, body);
    const answer = await this.#whole(path, response);
    if (answer.status !== 200) throw refusal(method, path, answer);
    return answer.body;
  }

  /**
   * An answer of 200 or 206 whose body is yet to be read, or closed: see `Response`. Its head, which comes with the first byte, is
   * waited for as long as any answer, or `head_ms`.
   */
  async open(
    method: Method,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
    head_ms?: number,
  ): Promise<Response> {
    const response = await this.#ask(method, path, body, headers, head_ms);
    if (response.status === 200 || response.status === 206) return response;
    throw refusal(method, path, await this.#whole(path, response));
  }

  async #ask(
    method: Method,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
    head_ms?: number,
  ): Promise<Response> {
    const login = this.#login();
    const response = await this.#request(method, path, body, { ...headers, ...bearer(await login) }, head_ms);
    if (response.status !== 401) return response;
    response.close();
    // Another call may have fetched a newer token meanwhile: that one stays.
    if (this.#token === login) this.#token = undefined;
    return this.#request(method, path, body, { ...headers, ...bearer(await this.#login()) }, head_ms);
  }

  async json(method: Method, path: string, body?: unknown): Promise<unknown> {
    return parseAnswer(await this.bytes(method, path, body), this.#base);
  }

  /** Calls made at the same time share one login; one that failed is not kept. */
  #login(): Promise<string> {
    this.#token ??= this.#requestToken().catch((error: unknown) => {
      this.#token = undefined;
      throw error;
    });
    return this.#token;
  }

  async #requestToken(): Promise<string> {
    const { namespace, key } = this.#options;
    const answer = await this.#whole("/auth", await this.#request("POST", "/auth", { namespace, key }, {}));
    if (answer.status !== 200) {
      const cause = refusal("POST", "/auth", answer);
      throw new ApiError(401, `login answered ${cause.status}: ${cause.message}`, cause.raw);
    }
    const parsed = parseAnswer(answer.body, this.#base);
    if (typeof parsed === "object" && parsed !== null && "access_token" in parsed) {
      if (typeof parsed.access_token === "string") return parsed.access_token;
    }
    throw new ConnectionError(`${this.#base.origin}: login answered without a token`);
  }

  async #request(
    method: Method,
    path: string,
    body: unknown,
    more: Readonly<Record<string, string>>,
    head_ms?: number,
  ): Promise<Response> {
    const { trace, user_agent = "shakenfist", connect_ms = 10_000, deadline_ms = 900_000 } = this.#options;
    const { max_bytes = 256 * 1024 * 1024 } = this.#options;
    const headers = { "user-agent": user_agent, accept: "*/*", ...more };
    const text = body === undefined ? undefined : JSON.stringify(body);
    const full = this.#base.pathname.replace(/\/+$/, "") + path;
    trace?.(`-> ${method} ${full} ${concealed(path, text ?? "")}`);
    const limits = { connect_ms, deadline_ms: head_ms ?? deadline_ms, max_bytes };
    return request({ base: this.#base, method, path: full, headers, body: text, ...limits });
  }

  async #whole(path: string, response: Response): Promise<Answer> {
    const { status, headers } = response;
    const body = await response.bytes();
    this.#options.trace?.(`<- ${status} ${concealed(path, body.toString("utf8", 0, TRACE_LENGTH))}`);
    return { status, headers, body };
  }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Builds a path from a template; every value is one segment, encoded and never empty. */
export function path(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.reduce((text, part, at) => text + segment(values[at - 1] ?? "") + part);
}

function segment(value: string): string {
  // An empty one would turn "/instances/" + name into the list of them all; dots would climb.
  if (value === "" || value === "." || value === "..") {
    throw new ApiError(400, `"${value}" is no name or uuid`);
  }
  return encodeURIComponent(value);
}

function parseBase(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  if (base?.protocol === "http:" || base?.protocol === "https:") return base;
  throw new ConnectionError(`"${url}" is not an http:// or https:// URL`);
}

function parseAnswer(body: Buffer, base: URL): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new ConnectionError(`${base.origin}: the answer is not JSON; is this the API?`, error);
  }
}

function refusal(method: Method, path: string, answer: Answer): ApiError {
  const raw = answer.body.toString("utf8").trimEnd();
  if (answer.status >= 300 && answer.status < 400) {
    return new ApiError(
      answer.status,
      `the API has moved to ${answer.headers.location ?? "another URL"}`,
      raw,
    );
  }
  if (answer.headers["content-type"]?.startsWith("text/html")) {
    return new ApiError(answer.status, `this server does not offer ${method} ${path}`, raw);
  }
  const detail = errorIn(raw);
  return new ApiError(
    answer.status,
    typeof detail === "string" ? detail : JSON.stringify(detail),
    raw,
    detail,
  );
}

function errorIn(raw: string): unknown {
  try {
    const body: unknown = JSON.parse(raw);
    if (typeof body === "object" && body !== null) {
      if ("error" in body) return body.error;
      if ("message" in body) return body.message;
    }
  } catch {
    // A proxy's page, or cut short: its own words are all there is.
  }
  return raw;
}

/** Bodies below /auth carry keys and tokens. */
function concealed(path: string, text: string): string {
  const shown = text.slice(0, TRACE_LENGTH).trimEnd();
  if (!path.startsWith("/auth")) return shown;
  return shown.replace(/"(key|access_token)":\s*"(?:[^"\\]|\\.)*"?/g, '"$1":"***"');
}
