import { strict as assert } from "node:assert";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import type { Cloud } from "#shared/cloud.ts";
import { exposition, serveMetrics } from "../../runtime/metrics.ts";
import { fakeCloud } from "../support/fake-cloud.ts";

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function served(t: TestContext): Promise<{ cloud: Cloud; url: string; warnings: string[] }> {
  const port = await freePort();
  const f = await fakeCloud({ config: { PROMETHEUS_METRICS_PORT: String(port) } });
  t.after(() => f.close());
  const warnings: string[] = [];
  const log = { ...f.cloud.log, warn: (_: object, message: string) => void warnings.push(message) };
  const cloud: Cloud = { ...f.cloud, log, node: { name: "sf-1", ip: "127.0.0.1" } };
  return { cloud, url: `http://127.0.0.1:${port}`, warnings };
}

describe("the server of the metrics", () => {
  it("GET /metrics: the gauges as they were published last", async (t) => {
    const { cloud, url } = await served(t);
    t.after(await serveMetrics(cloud));
    assert.equal(await (await fetch(`${url}/metrics`)).text(), "");
    await cloud.presence.publish({ cpu_load_1: 0.25, memory_max: 1024 }, false);
    const answer = await fetch(`${url}/metrics`);
    assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    const lines = (await answer.text()).split("\n");
    assert.deepEqual(lines.slice(0, 5), [
      ...["# TYPE cpu_load_1 gauge", "cpu_load_1 0.25", "# TYPE memory_max gauge", "memory_max 1024"],
      "# TYPE updated_at gauge",
    ]);
    assert.match(lines[5] ?? "", /^updated_at \d+\.?\d*$/);
  });

  it("anything else: is refused in a sentence", async (t) => {
    const { cloud, url } = await served(t);
    t.after(await serveMetrics(cloud));
    assert.equal((await fetch(`${url}/instances`)).status, 404);
    assert.equal((await fetch(`${url}/metrics`, { method: "POST", body: "x" })).status, 405);
  });

  it("a port that is taken: is a warning that says what to do, and no more", async (t) => {
    const { cloud, warnings } = await served(t);
    const stopFirst = await serveMetrics(cloud);
    const stopSecond = await serveMetrics(cloud);
    assert.match(warnings.join(), /metrics are not served: set SHAKENFIST_PROMETHEUS_METRICS_PORT/);
    await stopSecond();
    await stopFirst();
  });

  it("exposition: no metrics are no lines", () => {
    assert.equal(exposition({}), "");
  });
});
