// A static web server for one file: `serve-image.ts <file> <port> [address]`, on loopback if no address is given.
// Answers what image fetchers ask for: HEAD, Range, ETag and Last-Modified.
import { type FileHandle, open } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";

/** Serves `file` at /<its name>, and nothing else. Port 0: any free one. */
export async function serveImage(
  file: string,
  port: number,
  address = "127.0.0.1",
): Promise<{ url: string; server: Server }> {
  const name = encodeURIComponent(basename(file));
  const server = createServer((request, response) => {
    answer(file, name, request, response).catch(() => response.destroy());
  });
  server.maxConnections = 64;
  server.headersTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, address, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return { url: `http://${address}:${bound}/${name}`, server };
}

async function answer(file: string, name: string, request: IncomingMessage, response: ServerResponse) {
  if (request.method !== "GET" && request.method !== "HEAD")
    return response.writeHead(405, { allow: "GET, HEAD" }).end();
  if (request.url !== `/${name}`) return response.writeHead(404).end("not found\n");
  const handle = await open(file).catch(() => undefined);
  if (handle === undefined) return response.writeHead(404).end("the image is gone\n");
  try {
    await send(handle, request, response);
  } finally {
    await handle.close();
  }
}

async function send(handle: FileHandle, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { size, mtime, mtimeMs } = await handle.stat();
  const etag = `"${size.toString(16)}-${Math.trunc(mtimeMs).toString(16)}"`;
  response.setHeader("etag", etag).setHeader("last-modified", mtime.toUTCString());
  response.setHeader("accept-ranges", "bytes").setHeader("content-type", "application/octet-stream");
  if (request.headers["if-none-match"] === etag) return void response.writeHead(304).end();

  const ifRange = request.headers["if-range"];
  const asked =
    ifRange === undefined || ifRange === etag ? parseRange(request.headers.range, size) : undefined;
  if (asked === "unsatisfiable")
    return void response.writeHead(416, { "content-range": `bytes */${size}` }).end();

  const { start, end } = asked ?? { start: 0, end: size - 1 };
  if (asked !== undefined) response.setHeader("content-range", `bytes ${start}-${end}/${size}`);
  response.writeHead(asked === undefined ? 200 : 206, { "content-length": end - start + 1 });
  if (request.method === "HEAD" || size === 0) return void response.end();
  await pipeline(handle.createReadStream({ start, end, autoClose: false }), response);
}

/** One range, first to last byte; undefined (everything) for none, several, and what is no range of bytes. */
function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | "unsatisfiable" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (match === null || header === "bytes=-") return undefined;
  const [, first = "", last = ""] = match;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return start > end ? "unsatisfiable" : { start, end };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , file = "", port = "", address] = process.argv;
  const { url } = await serveImage(file, Number(port), address);
  console.log(`serving ${file} at ${url}`);
}
