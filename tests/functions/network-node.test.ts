// The network node when it changes.
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Network, Node } from "#shared/api/types.ts";
import { networkNode } from "#shared/nodes/network-node.ts";
import { fakeCloud } from "../support/fake-cloud.ts";

const SECOND = { name: "sf-2", ip: "10.255.0.2" };

describe("the network node", () => {
  it("one that was given another name: is known by it, and the old one can be removed", async (t) => {
    const old = await fakeCloud({ node: { name: "sf-0", ip: "10.255.0.1" } });
    await old.close();
    const f = await fakeCloud({ memory: old.memory });
    t.after(() => f.close());
    assert.equal(networkNode(f.cloud), "sf-1");
    const nodes = await f.call<Node[]>("GET", "/nodes");
    assert.deepEqual(
      nodes.map(({ name, roles }) => [name, roles.includes("network node")]),
      [
        ["sf-0", false],
        ["sf-1", true],
      ],
    );
    assert.deepEqual(await f.call("DELETE", "/nodes/sf-0"), []);
  });

  it("one that is removed after another has become it: what it had not done for networks the new one does", async (t) => {
    const was = { NETWORK_NODE_IP: SECOND.ip, API_ASYNC_WAIT: "0" };
    const f = await fakeCloud({ config: was });
    const second = await fakeCloud({ memory: f.memory, node: SECOND, config: was });
    const networks = ["10.0.0.0/24", "10.1.0.0/24"].map((netblock) =>
      f.call<Network>("POST", "/networks", { netblock }),
    );
    const [deleted, made] = (await Promise.all(networks)).map(({ uuid }) => uuid);
    await second.idle();
    await second.close();
    await f.call("DELETE", `/networks/${deleted}`);
    const { uuid: late } = await f.call<Network>("POST", "/networks", { netblock: "10.2.0.0/24" });
    const now = await f.restart({ NETWORK_NODE_IP: "10.255.0.1" });
    t.after(() => now.close());
    const isGone = () => now.cloud.store.mirror.get("presence/sf-2") === undefined || undefined;
    assert.ok(await now.cloud.store.mirror.until("presence/", isGone, 5000));
    await now.call("DELETE", "/nodes/sf-2");
    await now.idle();
    const states = [deleted, made, late].map((uuid) => now.value<{ state: string }>(`network/${uuid}`).state);
    assert.deepEqual(states, ["deleted", "created", "created"]);
    const left = [...now.everything().keys()].filter((key) => key.split("/").includes("sf-2"));
    const carried = [deleted, made, late].map((uuid) => `carrier/sf-2/${uuid}`);
    assert.deepEqual(left.sort(), [...carried, "lost/sf-2"].sort());
    assert.ok(now.value(`carrier/sf-1/${late}`));
  });
});
