// A small HTTP server that plays the API for the client's tests, and the built client as a process beside it.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { buildCli } from "../../deploy/build-cli.ts";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly contentType: string | undefined;
  readonly authorization: string | undefined;
}

export interface Answer {
  readonly status?: number;
  readonly json?: unknown;
  /** Instead of `json`. */
  readonly raw?: string | Buffer;
  readonly type?: string;
  readonly headers?: Record<string, string>;
}

export type Routes = Record<string, Answer | ((seen: Seen) => Answer)>;

export interface FakeApi extends AsyncDisposable {
  readonly url: string;
  /** Every request but logins. */
  readonly seen: Seen[];
  logins: number;
  routes: Routes;
}

const notFound: Answer = { status: 404, raw: "<html><h1>Not Found</h1></html>\n", type: "text/html" };

/** Logs anybody in, as "token-1", "token-2"…; routes are by "GET /instances". */
export async function startApi(routes: Routes): Promise<FakeApi> {
  const server = createServer(async (request, response) => {
    const seen = await read(request);
    const login = seen.path === "/auth";
    if (login) api.logins += 1;
    else api.seen.push(seen);
    const fallback = login ? { json: { access_token: `token-${api.logins}` } } : notFound;
    const route = api.routes[`${seen.method} ${seen.path}`] ?? fallback;
    const {
      status = 200,
      json,
      raw,
      type = "application/json",
      headers,
    } = typeof route === "function" ? route(seen) : route;
    response.writeHead(status, { "content-type": type, ...headers });
    response.end(raw ?? `${JSON.stringify(json ?? null)}\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const api: FakeApi = {
    url: `http://127.0.0.1:${address.port}`,
    seen: [],
    logins: 0,
    routes,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return api;
}

async function read(request: IncomingMessage): Promise<Seen> {
  const body = await text(request);
  return {
    method: request.method ?? "",
    path: request.url ?? "",
    body: body === "" ? undefined : JSON.parse(body),
    contentType: request.headers["content-type"],
    authorization: request.headers.authorization,
  };
}

export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

export interface Client extends AsyncDisposable {
  /** A home directory of its own. */
  readonly home: string;
  readonly file: string;
  run(args: readonly string[], env?: Record<string, string>): Promise<Finished>;
}

/** Builds sf-client, and runs it with nothing of the tester's own environment. */
export async function openClient(): Promise<Client> {
  const home = await mkdtemp(join(tmpdir(), "sf-client-home-"));
  const file = await buildCli(join(home, "bundle"));
  return {
    home,
    file,
    async run(args, env = {}) {
      const path = process.env.PATH ?? "";
      const child = spawn(process.execPath, [file, ...args], {
        env: { PATH: path, HOME: home, TZ: "UTC", ...env },
      });
      child.stdin.end();
      const exit = new Promise<number | null>((resolve) => child.once("close", resolve));
      const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
      return { stdout, stderr, code };
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true }),
  };
}

export function credentialsFor(api: FakeApi): Record<string, string> {
  return { SHAKENFIST_NAMESPACE: "alice", SHAKENFIST_KEY: "s3cret", SHAKENFIST_API_URL: api.url };
}
