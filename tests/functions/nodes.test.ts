import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Event, Instance, Node, NodeDetails, NodeInstance } from "#shared/api/types.ts";
import { publishNode } from "#shared/instances/publish-node.ts";
import { fakeCloud, small, VERSION } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

describe("nodes", () => {
  it("GET /nodes: system sees the nodes; one that has left was last seen when it registered", async (t) => {
    const f = await fakeCloud({ config: { NETWORK_NODE_IP: "10.255.0.1" } });
    t.after(() => f.close());
    const other = await fakeCloud({ memory: f.memory, node: { name: "sf-2", ip: "10.255.0.2" } });
    const lastseen = other.value<{ lastseen: number }>("node/sf-2").lastseen;
    await other.close();
    const now = f.cloud.clock.now();
    const nodes = await f.call<Node[]>("GET", "/nodes");
    assert.deepEqual(
      nodes.map(({ lastseen: _, ...rest }) => rest),
      [
        {
          ...{ name: "sf-1", ip: "10.255.0.1", version: VERSION, cordoned: false, state: "present" },
          roles: ["hypervisor", "network node"],
        },
        {
          ...{ name: "sf-2", ip: "10.255.0.2", version: VERSION, cordoned: false, state: "away" },
          roles: ["hypervisor"],
        },
      ],
    );
    assert.ok((nodes[0]?.lastseen ?? 0) >= now);
    assert.equal(nodes[1]?.lastseen, lastseen);
  });

  it("GET /nodes/{node}: tells what is promised, how it is and what is on it", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    const made = await f.call<Instance>("POST", "/instances", small({ cpus: 2 }), "alice");
    const gone = await f.call<Instance>("POST", "/instances", small(), "alice");
    await f.call("DELETE", `/instances/${gone.uuid}`, undefined, "alice");
    await publishNode(f.cloud);
    const node = await f.call<NodeDetails>("GET", "/nodes/sf-1");
    assert.deepEqual(node.claims, { cpus: 2, memory_mib: 256, disk_gib: 8 });
    const { uuid, name, namespace } = made;
    assert.deepEqual(node.instances, [{ uuid, name, namespace, state: "created", power_state: "on" }]);
    const { cpu_total_instance_vcpus, memory_total_instance_actual, instances_active } = node.metrics;
    assert.deepEqual([cpu_total_instance_vcpus, memory_total_instance_actual, instances_active], [2, 256, 1]);
  });

  it("GET /nodes/{node}: one that has left has no metrics, and its claims stand", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    const other = await fakeCloud({ memory: f.memory, node: { name: "sf-2", ip: "10.255.0.2" } });
    await f.call("POST", "/instances", small({ placed_on: "sf-2" }));
    await publishNode(other.cloud);
    assert.ok(Object.keys((await f.call<NodeDetails>("GET", "/nodes/sf-2")).metrics).length > 10);
    await other.close();
    const { state, metrics, claims, instances } = await f.call<NodeDetails>("GET", "/nodes/sf-2");
    assert.deepEqual([state, metrics, claims.cpus, instances.length], ["away", {}, 1, 1]);
  });

  for (const act of ["GET ", "GET /events", "POST /cordon", "POST /uncordon", "POST /drain"]) {
    const [method = "", path = ""] = act.split(" ");
    it(`${method} /nodes/{node}${path}: an unknown node is 404`, async (t) => {
      const f = await fakeCloud();
      t.after(() => f.close());
      await refuses(f, [method, `/nodes/sf-9${path}`], 404, "node sf-9 not found");
    });
  }

  it("POST /nodes/{node}/drain: cordons, and answers what is left; a restart of the node changes nothing", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    const { uuid } = await f.call<Instance>("POST", "/instances", small(), "alice");
    const left = await f.call<NodeInstance[]>("POST", "/nodes/sf-1/drain");
    assert.deepEqual(
      left.map((each) => each.uuid),
      [uuid],
    );
    const again = await f.restart();
    const isCordoned = async () => (await again.call<Node[]>("GET", "/nodes"))[0]?.cordoned;
    assert.equal(await isCordoned(), true);
    const words = "No nodes with metrics: no node fits: sf-1 is cordoned";
    await refuses(again, ["POST", "/instances", small(), "alice"], 507, words);
    await again.call("DELETE", `/instances/${uuid}`, undefined, "alice");
    assert.deepEqual(await again.call("POST", "/nodes/sf-1/drain"), []);
    await again.call("POST", "/nodes/sf-1/uncordon");
    assert.equal(await isCordoned(), false);
    const events = await again.call<Event[]>("GET", "/nodes/sf-1/events");
    assert.deepEqual(
      events.map(({ operation }) => operation),
      ["cordon", "uncordon"],
    );
    await again.close();
  });

  it("GET /nodes: is refused to others", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    await refuses(f, ["GET", "/nodes", undefined, "alice"], 401, "unauthorized");
  });

  it("GET /: says what this is, to everybody", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    const { status, text, type } = await f.ask("GET", "/", undefined, null);
    assert.deepEqual(
      [status, text, type],
      [200, "Shaken Fist REST API service", "text/plain; charset=utf-8"],
    );
  });
});
