// A web server on loopback for tests: answers by path, may misbehave, remembers what it was asked.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Served {
  status?: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** `cut`: half the body, then gone; `stall`: half the body, then silence; `mute`: not even headers. */
  fault?: "cut" | "stall" | "mute";
  /** Sent without Content-Length. */
  chunked?: boolean;
}

export interface Asked {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
}

export interface TestServer {
  readonly url: string;
  readonly asked: Asked[];
  serve(path: string, answer: Served | ((asked: Asked) => Served)): string;
  close(): Promise<void>;
}

export async function openServer(host = "127.0.0.1"): Promise<TestServer> {
  const served = new Map<string, Served | ((asked: Asked) => Served)>();
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const mine = { method: request.method ?? "", path: request.url ?? "", headers: request.headers };
    asked.push(mine);
    const found = served.get(mine.path) ?? { status: 404, body: "not found" };
    answer(response, typeof found === "function" ? found(mine) : found, mine.method);
  });
  server.listen(0, host);
  await once(server, "listening");
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;
  return {
    url,
    asked,
    serve(path, found) {
      served.set(path, found);
      return url + path;
    },
    async close() {
      server.closeAllConnections();
      if (!server.listening) return;
      server.close();
      await once(server, "close");
    },
  };
}

function answer(response: ServerResponse, served: Served, method: string): void {
  const { status = 200, headers = {}, body = "", fault, chunked = false } = served;
  if (fault === "mute") return;
  const bytes = Buffer.from(body);
  const length = chunked ? {} : { "content-length": String(bytes.length) };
  response.writeHead(status, { ...length, ...headers });
  if (method === "HEAD" || fault === undefined) {
    response.end(method === "HEAD" ? undefined : bytes);
    return;
  }
  response.write(bytes.subarray(0, bytes.length / 2), () => {
    if (fault === "cut") response.destroy();
  });
}
