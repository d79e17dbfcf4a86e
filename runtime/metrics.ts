// The node's gauges as Prometheus reads them, on a port and an address of their own. They are no secret of tenants, but not the
// world's either: only the node's own address listens.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Cloud } from "#shared/cloud.ts";
import { messageOf } from "#shared/errors.ts";
import type { Metrics } from "#shared/nodes/record.ts";

const TYPE = "text/plain; version=0.0.4; charset=utf-8";
const LIMITS = { requestTimeout: 10_000, headersTimeout: 5000, keepAliveTimeout: 5000, maxHeaderSize: 8192 };
const MAX_CONNECTIONS = 32;

/** Answers the way to stop. A port that cannot be had is a warning: the node is as good without. */
export async function serveMetrics(cloud: Cloud): Promise<() => Promise<void>> {
  const { PROMETHEUS_METRICS_PORT: port } = cloud.config;
  if (port === 0) return async () => undefined;
  const server = createServer(LIMITS, (request, response) => answer(cloud, request, response));
  server.maxConnections = MAX_CONNECTIONS;
  try {
    server.listen(port, cloud.node.ip);
    await once(server, "listening");
  } catch (error) {
    const advice = "set SHAKENFIST_PROMETHEUS_METRICS_PORT to another port, or to 0 for none";
    cloud.log.warn({ error: messageOf(error) }, `metrics are not served: ${advice}`);
  }
  server.on("error", (error) => cloud.log.warn({ err: error }, "the server of the metrics failed"));
  return async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
}

function answer(cloud: Cloud, request: IncomingMessage, response: ServerResponse): void {
  const isWanted = request.url === "/metrics" || request.url === "/";
  const isRead = request.method === "GET" || request.method === "HEAD";
  response.statusCode = isWanted ? (isRead ? 200 : 405) : 404;
  const body = isWanted && isRead ? exposition(cloud.presence.metrics()) : "only GET /metrics is here\n";
  response.setHeader("Content-Type", response.statusCode === 200 ? TYPE : "text/plain; charset=utf-8");
  response.end(body);
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function exposition(metrics: Metrics): string {
  return Object.entries(metrics)
    .map(([name, value]) => `# TYPE ${name} gauge\n${name} ${value}\n`)
    .join("");
}
