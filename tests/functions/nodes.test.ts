import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Node } from "../../shared/api/types.ts";
import { fakeCloud, VERSION } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

describe("nodes", () => {
  it("GET /nodes: system sees the nodes; one that has left was last seen when it registered", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    const other = await fakeCloud({ memory: f.memory, node: { name: "sf-2", ip: "10.255.0.2" } });
    const lastseen = other.value<{ lastseen: number }>("node/sf-2").lastseen;
    await other.close();
    const now = f.cloud.clock.now();
    const nodes = await f.call<Node[]>("GET", "/nodes");
    assert.deepEqual(
      nodes.map(({ name, ip, version }) => [name, ip, version]),
      [
        ["sf-1", "10.255.0.1", VERSION],
        ["sf-2", "10.255.0.2", VERSION],
      ],
    );
    assert.ok((nodes[0]?.lastseen ?? 0) >= now);
    assert.equal(nodes[1]?.lastseen, lastseen);
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
