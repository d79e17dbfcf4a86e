// The socket. Sole importer of hyper-express; knows nothing of functions, only requests and answers.
import { once, setMaxListeners } from "node:events";
import { createServer } from "node:net";
import { Readable } from "node:stream";
import HyperExpress from "hyper-express";
import type { Cloud } from "#shared/cloud.ts";
import { CloudError, messageOf } from "#shared/errors.ts";
import { type Answer, failure } from "./answer.ts";
import type { Read } from "./define.ts";
import type { Dispatch } from "./dispatch.ts";
import { PASS_HEADER } from "./forward.ts";
import { endTrace, openTrace } from "./trace.ts";

const EVERYWHERE = "0.0.0.0";
const BODY_BYTES = 1024 * 1024;
/** Beyond this uWebSockets.js ends the request itself, with a bare 413. */
const STREAM_BYTES = 256 * 1024;
const HARD_BODY_BYTES = 8 * BODY_BYTES;

export interface Listener {
  close(): void;
}

/** Listens on the configured address and port. Rejects with "unavailable" when the port is taken. */
export async function listen(cloud: Cloud, dispatch: Dispatch): Promise<Listener> {
  const { API_PORT: port, API_ADDRESS: address } = cloud.config;
  await requireFree(address, port);
  // Without exclusive_port a second process would share the port in silence (SO_REUSEPORT); uWebSockets.js has it for all
  // addresses together only, so that one address is kept by the look before.
  const server = new HyperExpress.Server({
    exclusive_port: address === EVERYWHERE,
    max_body_length: HARD_BODY_BYTES,
    // It would stop listening, in silence, at SIGUSR1 and SIGUSR2 too.
    auto_close: false,
  });
  const closing = new AbortController();
  // Each stream under way listens.
  setMaxListeners(0, closing.signal);
  server.any("/*", async (request, response) =>
    send(response, await read(cloud, dispatch, request, crypto.randomUUID()), closing.signal),
  );
  server.set_error_handler(({ method, path }, response, error) => {
    const asked = { id: crypto.randomUUID(), method, path };
    send(response, endTrace(cloud, openTrace(asked), failure(error, asked.id, false), error), closing.signal);
  });
  await server.listen(port, address);
  return {
    close() {
      closing.abort();
      server.close();
    },
  };
}

async function requireFree(address: string, port: number): Promise<void> {
  const probe = createServer();
  try {
    probe.listen({ host: address, port, exclusive: true });
    await once(probe, "listening");
  } catch (error) {
    throw new CloudError(
      "unavailable",
      `${address}:${port}: cannot listen: ${messageOf(error)}; set SHAKENFIST_API_PORT or end who holds it`,
      {
        cause: error,
      },
    );
  } finally {
    probe.close();
  }
}

async function read(
  cloud: Cloud,
  dispatch: Dispatch,
  request: HyperExpress.Request,
  id: string,
): Promise<Answer> {
  const { authorization, range, "content-length": length = "0", [PASS_HEADER]: pass } = request.headers;
  const body = request.received ? "" : Number(length) > BODY_BYTES ? undefined : await request.text();
  if (body === undefined || Buffer.byteLength(body) > BODY_BYTES) {
    const { method, path } = request;
    const error = new CloudError("too_large", `the body is larger than ${BODY_BYTES / 2 ** 20} MiB`);
    return endTrace(cloud, openTrace({ id, method, path }), failure(error, id, false), error);
  }
  return dispatch(cloud, {
    method: request.method,
    path: request.path,
    authorization,
    pass,
    range,
    body,
    id,
  });
}

function send(response: HyperExpress.Response, answer: Answer, closing: AbortSignal): void {
  if (response.completed) {
    // Whoever it comes from must hear that nobody takes it.
    if (typeof answer.body === "function") answer.body(AbortSignal.abort());
    return;
  }
  response.status(answer.status).header("Content-Type", answer.type);
  for (const name in answer.headers) response.header(name, answer.headers[name] ?? "");
  if (typeof answer.body !== "function") response.send(answer.body);
  else stream(response, answer.body, Number(answer.headers?.["Content-Length"] ?? Number.NaN), closing);
}

/** What goes wrong on the way can only be told by closing the connection before the end. */
function stream(response: HyperExpress.Response, read: Read, length: number, closing: AbortSignal): void {
  const over = new AbortController();
  const end = () => over.abort();
  const bytes = exactly(read(over.signal), length);
  const readable = Readable.from(bytes, { objectMode: false, highWaterMark: STREAM_BYTES });
  readable.once("error", () => response.close());
  readable.once("close", () => closing.removeEventListener("abort", cut));
  const cut = () => {
    end();
    response.close();
  };
  closing.addEventListener("abort", cut, { once: true });
  response.once("close", () => {
    end();
    readable.destroy();
  });
  if (length === 0) response.send("");
  else void response.stream(readable, Number.isNaN(length) ? undefined : length);
}

/** With a length, as many bytes or an error: the client waits for them. */
async function* exactly(bytes: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let left = length;
  for await (const chunk of bytes) {
    left -= chunk.length;
    if (left < 0) throw new CloudError("internal", "the answer is longer than was said");
    yield chunk;
  }
  if (left > 0) throw new CloudError("internal", "the answer is shorter than was said");
}
