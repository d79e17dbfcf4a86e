// Requests as they stand on the wire: a body goes with any method, and no header is added but the length.
import { Agent, type IncomingHttpHeaders, request } from "node:http";

export interface Asked {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Wire {
  ask(asked: Asked): Promise<Answer>;
  close(): void;
}

const PATIENCE_MS = 60_000;

/** Keeps up to 16 connections. */
export function openWire(url: string): Wire {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const { hostname, port } = new URL(url);
  function ask({ method, path, headers = {}, body }: Asked): Promise<Answer> {
    const length = body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
    return new Promise((resolve, reject) => {
      const call = request(
        { agent, hostname, port, method, path, headers: { ...length, ...headers }, timeout: PATIENCE_MS },
        (response) => {
          const parts: Buffer[] = [];
          response.on("data", (part: Buffer) => parts.push(part));
          response.once("error", reject);
          response.once("end", () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(parts).toString(),
            }),
          );
        },
      );
      call.once("timeout", () => call.destroy(new Error(`no answer within ${PATIENCE_MS / 1000} s`)));
      call.once("error", reject);
      call.end(body);
    });
  }
  return { ask, close: () => agent.destroy() };
}

/** A namespace's token, as the value of the Authorization header. */
export async function logIn(wire: Wire, namespace: string, key: string): Promise<string> {
  const { body } = await wire.ask({
    method: "POST",
    path: "/auth",
    body: JSON.stringify({ namespace, key }),
  });
  return `Bearer ${(JSON.parse(body) as { access_token: string }).access_token}`;
}
