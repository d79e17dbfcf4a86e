// A web server on loopback that says, byte by byte, what a test tells it to: also what no decent server would say.
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

export interface Heard {
  /** How many requests for this path came before. */
  readonly count: number;
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the Range header wants it to begin. */
  readonly from: number | undefined;
}

/** Bytes to be sent before the connection is closed, or what is to be done with it. */
export type Saying = string | Buffer | ((socket: Socket) => void);
export type Script = (heard: Heard) => Saying;

export interface BadServer {
  readonly url: string;
  readonly heard: Heard[];
  say(scripts: Readonly<Record<string, Script>>): void;
  close(): Promise<void>;
}

export async function openBadServer(): Promise<BadServer> {
  let scripts: Readonly<Record<string, Script>> = {};
  const heard: Heard[] = [];
  const sockets = new Set<Socket>();

  function answer(socket: Socket, head: string): void {
    const [, path = ""] = /^GET (\S+) HTTP/.exec(head) ?? [];
    const count = heard.filter((it) => it.path === path).length;
    const headers = Object.fromEntries(
      [...head.matchAll(/^([\w-]+): (.*)\r$/gm)].map(([, name = "", value = ""]) => [
        name.toLowerCase(),
        value,
      ]),
    );
    const range = /^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1];
    const mine = { count, path, headers, from: range === undefined ? undefined : Number(range) };
    heard.push(mine);
    const saying = (scripts[path] ?? (() => status(404)))(mine);
    if (typeof saying === "function") saying(socket);
    else socket.end(saying);
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let head = "";
    socket.on("data", (chunk) => {
      if (head.includes("\r\n\r\n")) return;
      head += chunk.toString("latin1");
      if (head.includes("\r\n\r\n")) answer(socket, head);
      // A greeting of TLS.
      else if (head.charCodeAt(0) === 22) socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    say(told) {
      scripts = told;
      heard.length = 0;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

type Headers = Readonly<Record<string, string | number>>;

/** Only the head of an answer. */
export function head(code: number, headers: Headers): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${code} Said\r\nConnection: close\r\n${lines.join("")}\r\n`;
}

export const status = (code: number, headers: Headers = {}): string =>
  head(code, { "Content-Length": 0, ...headers });

/** A whole answer; headers that are given replace the true ones. */
export function whole(body: Buffer | string, headers: Headers = {}, code = 200): Buffer {
  const bytes = Buffer.from(body);
  const length = { "Content-Length": bytes.length };
  return Buffer.concat([Buffer.from(head(code, { ...length, ...headers })), bytes]);
}

/** As `whole`, cut after some of the body. */
export function cut(body: Buffer, at: number, headers: Headers = {}, code = 200): Buffer {
  const answer = whole(body, headers, code);
  return answer.subarray(0, answer.length - body.length + at);
}

/** Goes on sending for as long as anybody listens. */
export const forever =
  (first: string, bytes: number, pause_ms: number): Saying =>
  (socket) => {
    socket.write(first);
    const timer = setInterval(() => socket.write(Buffer.alloc(bytes, "x")), pause_ms);
    socket.on("close", () => clearInterval(timer));
  };
