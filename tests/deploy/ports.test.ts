import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { test } from "node:test";
import { findHolder, requireFreePort } from "../../deploy/lib/ports.ts";

test("requireFreePort: names a taken port, its holder and the way out", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  assert.equal(findHolder(port)?.pid, process.pid);
  const words = new RegExp(
    `port ${port}, for the API, is taken by \\S+ \\(process ${process.pid}\\).*API_PORT`,
  );
  await assert.rejects(requireFreePort("127.0.0.1", port, "the API", "API_PORT"), words);

  server.close();
  await once(server, "close");
  await requireFreePort("127.0.0.1", port, "the API", "API_PORT");
  assert.equal(findHolder(port), undefined);
});

test("requireFreePort: says when the address is not of this machine", async () => {
  await assert.rejects(
    requireFreePort("203.0.113.1", 1, "the API", "API_PORT"),
    /203\.0\.113\.1:1.*EADDRNOTAVAIL/,
  );
});
