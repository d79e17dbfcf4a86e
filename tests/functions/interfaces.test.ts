import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import type { Instance, Network, NetworkInterface } from "#shared/api/types.ts";
import { discard } from "#shared/ports/store/store.ts";
import { type FakeCloud, fakeCloud, small } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

describe("interfaces", () => {
  let f: FakeCloud;
  let network: Network;
  before(async () => {
    f = await fakeCloud();
    network = await f.call<Network>("POST", "/networks", { netblock: "10.0.0.0/24" }, "alice");
  });
  after(() => f.close());

  async function make(as = "alice", namespace?: string): Promise<{ instance: Instance; uuid: string }> {
    const body = small({ network: [{ network_uuid: network.uuid }], ...(namespace ? { namespace } : {}) });
    const instance = await f.call<Instance>("POST", "/instances", body, as);
    const path = `/instances/${instance.uuid}/interfaces`;
    const [made] = await f.call<NetworkInterface[]>("GET", path);
    return { instance, uuid: made?.uuid ?? assert.fail() };
  }
  const gone = (uuid: string, as: string, words = "interface not found") =>
    refuses(f, ["GET", `/interfaces/${uuid}`, undefined, as], 404, words);

  it("GET /interfaces/{interface_uuid}: every field, as in the lists", async () => {
    const { instance, uuid } = await make();
    const shown = await f.call<NetworkInterface>("GET", `/interfaces/${uuid}`, undefined, "alice");
    const listed = (path: string) => f.call<NetworkInterface[]>("GET", `${path}/interfaces`);
    assert.deepEqual(await listed(`/instances/${instance.uuid}`), [shown]);
    assert.deepEqual(await listed(`/networks/${network.uuid}`), [shown]);
    const { macaddr, ipv4, state_updated, ...rest } = shown;
    assert.match(macaddr, /^02:00:00(:[0-9a-f]{2}){3}$/);
    assert.match(ipv4, /^10\.0\.0\.\d+$/);
    assert.equal(typeof state_updated, "number");
    assert.deepEqual(rest, {
      ...{ uuid, network_uuid: network.uuid, instance_uuid: instance.uuid },
      ...{ order: 0, floating: null, state: "created", model: "virtio" },
    });
    assert.deepEqual(await f.call("GET", `/interfaces/${uuid}`), shown);
  });

  it("GET /interfaces/{interface_uuid}: readable when deleted, until its instance's record goes", async () => {
    const { instance, uuid } = await make();
    await f.call("DELETE", `/instances/${instance.uuid}`, undefined, "alice");
    const { state } = await f.call<NetworkInterface>("GET", `/interfaces/${uuid}`, undefined, "alice");
    assert.equal(state, "deleted");
    f.clock.advance(f.cloud.config.CLEANER_DELAY + 1);
    const cleanUp = f.table.schedules.find(({ name }) => name === "instances/clean-up");
    await cleanUp?.definition.run({ cloud: f.cloud, signal: new AbortController().signal });
    await gone(uuid, "alice");
  });

  it("GET /interfaces/{interface_uuid}: is for who owns both its instance and its network", async () => {
    const { uuid } = await make();
    for (const ref of [uuid, uuid.toUpperCase(), "none", "..%2finstance", "%00"]) await gone(ref, "bob");
    await f.authorization("carol");
    const crossed = await make("system", "carol");
    await gone(crossed.uuid, "carol");
    await gone(crossed.uuid, "alice");
    assert.equal((await f.ask("GET", `/interfaces/${crossed.uuid}`)).status, 200);
  });

  it("GET /interfaces/{interface_uuid}: without its network it says so", async () => {
    const { uuid } = await make();
    await f.idle();
    await f.cloud.store.commit([discard(`network/${network.uuid}`)]);
    await gone(uuid, "alice", "interface network not found");
    for (const what of ["float", "defloat"])
      await refuses(
        f,
        ["POST", `/interfaces/${uuid}/${what}`, undefined, "alice"],
        404,
        "interface network not found",
      );
  });
});
