// The socket. Sole importer of hyper-express; knows nothing of functions, only requests and answers.
import { once } from "node:events";
import { createServer } from "node:net";
import HyperExpress from "hyper-express";
import type { Cloud } from "#shared/cloud.ts";
import { CloudError, messageOf } from "#shared/errors.ts";
import { type Answer, failure } from "./answer.ts";
import type { Dispatch } from "./dispatch.ts";
import { PASS_HEADER } from "./forward.ts";
import { endTrace, openTrace } from "./trace.ts";

const EVERYWHERE = "0.0.0.0";
const BODY_BYTES = 1024 * 1024;
/** Beyond this uWebSockets.js ends the request itself, with a bare 413. */
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
  server.any("/*", (request, response) => answer(cloud, dispatch, request, response));
  server.set_error_handler(({ method, path }, response, error) => {
    const asked = { id: crypto.randomUUID(), method, path };
    send(response, endTrace(cloud, openTrace(asked), failure(error, asked.id, false), error));
  });
  await server.listen(port, address);
  return { close: () => void server.close() };
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

async function answer(
  cloud: Cloud,
  dispatch: Dispatch,
  request: HyperExpress.Request,
  response: HyperExpress.Response,
): Promise<void> {
  send(response, await read(cloud, dispatch, request, crypto.randomUUID()));
}

async function read(
  cloud: Cloud,
  dispatch: Dispatch,
  request: HyperExpress.Request,
  id: string,
): Promise<Answer> {
  const { authorization, "content-length": length = "0", [PASS_HEADER]: pass } = request.headers;
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
    body,
    id,
  });
}

function send(response: HyperExpress.Response, answer: Answer): void {
  if (response.completed) return;
  response.status(answer.status).header("Content-Type", answer.type);
  for (const name in answer.headers) response.header(name, answer.headers[name] ?? "");
  response.send(answer.body);
}
