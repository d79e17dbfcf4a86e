// The fake network port.
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryNetwork } from "#shared/ports/network/memory.ts";
import { aPlan, networkContract } from "./contract.ts";

networkContract("memory", async () => ({
  network: memoryNetwork(),
  node: { egress_nic: "eth0", floating_netblock: "192.168.20.0/24" },
}));

test("memory ensure: fails once when asked to, and keeps nothing of it", async () => {
  const network = memoryNetwork();
  network.failNext("ensure", "ip: no buffer space");
  await assert.rejects(network.ensure(aPlan(1)), /no buffer space/);
  assert.deepEqual(await network.list(), []);
  assert.notDeepEqual(await network.ensure(aPlan(1)), []);
});
