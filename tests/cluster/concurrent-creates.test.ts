import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import type { InstanceRecord } from "#shared/instances/record.ts";
import type { InterfaceRecord, NetworkRecord } from "#shared/networks/record.ts";
import { type Claim, claimKey } from "#shared/nodes/record.ts";
import { openEtcd } from "#shared/ports/store/etcd.ts";
import { PLENTY } from "../support/capacity.ts";
import { startEtcd, type TestEtcd } from "../support/etcd.ts";
import { type FakeCloud, fakeCloud, small } from "../support/fake-cloud.ts";

const EACH = 250;
const NODES = 3;

describe("creates at once on several nodes, with one etcd", () => {
  let etcd: TestEtcd;
  let nodes: FakeCloud[] = [];

  before(async () => {
    etcd = await startEtcd();
    for (let number = 1; number <= NODES; number++) {
      nodes.push(
        await fakeCloud({
          backend: () => openEtcd({ hosts: [etcd.host], prefix: "/shakenfist" }),
          node: { name: `sf-${number}`, ip: `10.255.0.${number}` },
          // Enough memory for all of them on one node: its CPUs are what runs out.
          capacity: { ...PLENTY, cpu_max: 64, memory_max_mib: 1_000_000, memory_available_mib: 1_000_000 },
          // Records only: nobody does the jobs, and nobody waits for them.
          works: false,
          config: {
            NETWORK_NODE_IP: "10.255.0.1",
            API_ASYNC_WAIT: "0",
            FLOATING_NETWORK: "10.50.0.0/16",
            CPU_OVERCOMMIT_RATIO: "16",
          },
        }),
      );
    }
  });
  after(async () => {
    for (const node of nodes) await node.close();
    nodes = [];
    await etcd.stop();
  });

  const create = <T>(at: number, path: string, body: Record<string, unknown>) =>
    (nodes[at % NODES] as FakeCloud).call<T>("POST", path, body);
  const many = <T>(make: (at: number) => Promise<T>) =>
    Promise.all(Array.from({ length: EACH }, (_, at) => make(at)));
  const list = async <T>(prefix: string): Promise<T[]> => {
    const entries = await (nodes[0] as FakeCloud).cloud.store.list<T>(prefix);
    return entries.map(({ value }) => value);
  };
  const requireDistinct = (what: string, values: unknown[], count: number) => {
    assert.equal(values.length, count, what);
    assert.equal(new Set(values).size, count, `${what}: given twice`);
  };

  it(`${EACH} networks and ${EACH} instances: no address, MAC, vxid or port is given twice`, async () => {
    const shared = await create<{ uuid: string }>(0, "/networks", { netblock: "10.1.0.0/16" });
    const nic = { network_uuid: shared.uuid };
    await Promise.all([
      many((at) => create(at, "/networks", { netblock: "10.2.0.0/24", provide_nat: true })),
      many((at) => create(at, "/instances", small({ network: at % 5 ? [nic] : [nic, nic] }))),
    ]);

    const networks = await list<NetworkRecord>("network/");
    const interfaces = await list<InterfaceRecord>("interface/");
    const instances = await list<InstanceRecord>("instance/");
    const floats = networks.filter(({ provide_nat }) => provide_nat);
    const ports = instances.flatMap(({ node, console_port, vdi_port }) =>
      [console_port, vdi_port].map((port) => `${node} ${port}`),
    );
    requireDistinct(
      "vxids",
      networks.map(({ vxid }) => vxid),
      EACH + 1,
    );
    requireDistinct(
      "floating gateways",
      floats.map(({ floating_gateway }) => floating_gateway),
      EACH,
    );
    requireDistinct(
      "addresses",
      interfaces.map(({ ipv4 }) => ipv4),
      EACH * 1.2,
    );
    requireDistinct(
      "MACs",
      interfaces.map(({ macaddr }) => macaddr.toLowerCase()),
      EACH * 1.2,
    );
    requireDistinct("ports", ports, EACH * 2);
    for (const { cloud } of nodes) {
      const placed = instances.filter(({ node }) => node === cloud.node.name);
      const claim = await cloud.store.get<Claim>(claimKey(cloud.node.name));
      assert.equal(claim?.value.cpus ?? 0, placed.length, `${cloud.node.name}: another claim than instances`);
    }
  });

  it("more than the nodes can hold: as many as fit are placed, the others refused, and none is overcommitted", async () => {
    const before = (await list<InstanceRecord>("instance/")).length;
    const cpus = 16;
    const room = NODES * Math.floor((64 * 16) / cpus);
    const outcomes = await Promise.all(
      Array.from({ length: room + 30 }, (_, at) =>
        (nodes[at % NODES] as FakeCloud).ask("POST", "/instances", small({ cpus, disk: [{ size: 1 }] })),
      ),
    );
    const refused = outcomes.filter(({ status }) => status !== 200);
    assert.deepEqual([...new Set(refused.map(({ status }) => status))], [507]);
    const claims = await list<Claim>("claim/");
    for (const claim of claims) assert.ok(claim.cpus <= 64 * 16, `${claim.cpus} vCPUs are claimed of a node`);
    const placed = (await list<InstanceRecord>("instance/")).length - before;
    assert.equal(placed, outcomes.length - refused.length);
    assert.ok(
      claims.every((claim) => claim.cpus > 64 * 16 - cpus),
      "a node was left with room",
    );
  });
});
