import assert from "node:assert/strict";
import { test } from "node:test";
import { apiUrl, etcdHosts, floatingBlock, nodeSettings, planCluster } from "../../deploy/cluster/plan.ts";

for (const [options, words] of [
  [{ nodes: 0 }, /--nodes: give a number from 1 to 5/],
  [{ nodes: 6 }, /--nodes/],
  [{ nodes: Number.NaN }, /--nodes/],
  [{ nodes: 2, etcd: 2 }, /--etcd: give 1 or 3/],
  [{ nodes: 2, mtu: 100 }, /--mtu: give a number from 1330/],
  [{ nodes: 2, underlay: "10.66.0.0/16" }, /--underlay: '10\.66\.0\.0\/16' is no \/24 block/],
  [{ nodes: 2, underlay: "10.66.300.0/24" }, /--underlay/],
  [
    { nodes: 2, underlay: "192.168.20.0/24" },
    /the underlay 192\.168\.20\.0\/24 and FLOATING_NETWORK .* overlap/,
  ],
  [{ nodes: 2, settings: { NODE_IP: "10.0.0.1" } }, /--set NODE_IP: is different on each node/],
  [{ nodes: 2, settings: { SHAKENFIST_FROB: "1" } }, /--set SHAKENFIST_FROB: no such setting; see docs/],
  [{ nodes: 2, settings: { API_PORT: "x" } }, /SHAKENFIST_API_PORT: 'x' is not a whole number/],
  [{ nodes: 2, settings: { FLOATING_NETWORK: "x" } }, /--set FLOATING_NETWORK: .*netblock/],
] as const) {
  test(`planCluster of ${JSON.stringify(options)}: is refused, saying what to give`, () => {
    assert.throws(() => planCluster(options), words);
  });
}

test("planCluster: hosts have names and addresses of one block, and settings of their own", () => {
  const plan = planCluster({ nodes: 2, etcd: 3, underlay: "10.9.8.0/24", settings: { API_PORT: "80" } });
  const names = plan.hosts.map(({ name, address }) => `${name} ${address}`);
  assert.deepEqual(names, [
    "etcd-1 10.9.8.2",
    "etcd-2 10.9.8.3",
    "etcd-3 10.9.8.4",
    "sf-1 10.9.8.11",
    "sf-2 10.9.8.12",
  ]);
  assert.deepEqual(etcdHosts(plan), ["10.9.8.2:2379", "10.9.8.3:2379", "10.9.8.4:2379"]);
  assert.equal(floatingBlock(plan), "192.168.20.0/24");
  const [, , , , second] = plan.hosts;
  assert.ok(second);
  assert.equal(apiUrl(plan, second), "http://10.9.8.12:80");
  const settings = nodeSettings(plan, second);
  assert.equal(settings.SHAKENFIST_NODE_NAME, "sf-2");
  assert.equal(settings.SHAKENFIST_NETWORK_NODE_IP, "10.9.8.11");
});
