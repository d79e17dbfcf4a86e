import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import type { Event, Instance, Network, NetworkInterface } from "#shared/api/types.ts";
import { CloudError } from "#shared/errors.ts";
import { type FakeCloud, fakeCloud, small } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

const FLOAT = "POST /interfaces/{interface_uuid}/float";
const DEFLOAT = "POST /interfaces/{interface_uuid}/defloat";

/** A network, and an instance on it with an interface for each address. */
async function makeGuest(f: FakeCloud, addresses: string[], as = "alice", netblock = "10.0.0.0/24") {
  const network = await f.call<Network>("POST", "/networks", { netblock }, as);
  const nics = addresses.map((address) => ({ network_uuid: network.uuid, address }));
  const instance = await f.call<Instance>("POST", "/instances", small({ network: nics }), as);
  const path = `/instances/${instance.uuid}/interfaces`;
  const interfaces = await f.call<NetworkInterface[]>("GET", path, undefined, as);
  await f.idle();
  return { network, instance, interfaces, uuids: interfaces.map(({ uuid }) => uuid) };
}

describe("floating addresses", () => {
  let f: FakeCloud;
  before(async () => {
    f = await fakeCloud();
  });
  after(() => f.close());

  const show = (uuid: string) => f.call<NetworkInterface>("GET", `/interfaces/${uuid}`, undefined, "alice");
  const post = (uuid: string, what: string, as = "alice") =>
    f.ask("POST", `/interfaces/${uuid}/${what}`, undefined, as);
  const leadsTo = (network: Network) => f.network.plans.get(network.uuid)?.gateway?.floating;
  const held = () => [...f.everything().keys()].filter((key) => key.startsWith("address/floating/"));

  it(`${FLOAT}: the address can be read and works when it is answered, without NAT too (faults 21, 22)`, async () => {
    const { network, uuids } = await makeGuest(f, ["10.0.0.9"]);
    const [uuid = ""] = uuids;
    assert.equal(network.provide_nat, null);
    assert.equal(await f.call("POST", `/interfaces/${uuid}/float`, undefined, "alice"), null);
    const { floating } = await show(uuid);
    assert.match(floating ?? "", /^192\.168\.20\.\d+$/);
    assert.deepEqual(leadsTo(network), [{ address: floating, inner: "10.0.0.9" }]);
    assert.deepEqual(f.value(`address/floating/${floating}`), { use: "floating", owner: uuid });
  });

  it(`${FLOAT}: once more keeps the address, also many at once (fault 21)`, async () => {
    const { uuids } = await makeGuest(f, ["10.0.0.9"]);
    const [uuid = ""] = uuids;
    const before = held().length;
    await Promise.all(Array.from({ length: 8 }, () => f.call("POST", `/interfaces/${uuid}/float`)));
    const { floating } = await show(uuid);
    await f.call("POST", `/interfaces/${uuid}/float`);
    assert.equal((await show(uuid)).floating, floating);
    assert.equal(held().length, before + 1);
  });

  it(`${DEFLOAT}: gives the address back; without one it is 404 (fault 21)`, async () => {
    const { network, uuids } = await makeGuest(f, ["10.0.0.9", "10.0.0.10"]);
    const [first = "", second = ""] = uuids;
    const before = held();
    for (const uuid of uuids) await f.call("POST", `/interfaces/${uuid}/float`, undefined, "alice");
    const other = (await show(second)).floating;
    assert.equal(await f.call("POST", `/interfaces/${first}/defloat`, undefined, "alice"), null);
    assert.equal((await show(first)).floating, null);
    assert.deepEqual(leadsTo(network), [{ address: other, inner: "10.0.0.10" }]);
    await f.call("POST", `/interfaces/${second}/defloat`, undefined, "alice");
    assert.deepEqual(held(), before);
    const request = ["POST", `/interfaces/${first}/defloat`, undefined, "alice"] as const;
    await refuses(f, [...request], 404, "interface has no floating address: not found");
  });

  it("DELETE /instances/{instance_ref}: frees the floating address of its interface (faults 21, 45)", async () => {
    const { network, instance, uuids } = await makeGuest(f, ["10.0.0.9"]);
    const [uuid = ""] = uuids;
    const before = held();
    await f.call("POST", `/interfaces/${uuid}/float`, undefined, "alice");
    await f.call("DELETE", `/instances/${instance.uuid}`, undefined, "alice");
    assert.deepEqual(held(), before);
    await f.idle();
    assert.deepEqual(leadsTo(network), []);
    const { state, floating } = await show(uuid);
    assert.deepEqual([state, floating], ["deleted", null]);
    for (const what of ["float", "defloat"])
      await refuses(
        f,
        ["POST", `/interfaces/${uuid}/${what}`, undefined, "alice"],
        404,
        "interface not found",
      );
  });

  it("GET /instances/{instance_ref}/events: tells of the address", async () => {
    const { instance, uuids } = await makeGuest(f, ["10.0.0.9"]);
    for (const what of ["float", "float", "defloat"])
      await f.call("POST", `/interfaces/${uuids[0]}/${what}`, undefined, "alice");
    const events = await f.call<Event[]>("GET", `/instances/${instance.uuid}/events`);
    const told = events.filter(({ phase }) => phase === "float" || phase === "defloat");
    assert.deepEqual(
      told.map(({ operation, phase }) => [operation, phase]),
      [
        ["api", "float"],
        ["api", "defloat"],
      ],
    );
    assert.equal(told[0]?.message, told[1]?.message);
  });

  it(`${FLOAT}: others' interfaces do not exist (fault 4)`, async () => {
    const { uuids } = await makeGuest(f, ["10.0.0.9"]);
    for (const what of ["float", "defloat"])
      for (const uuid of [uuids[0], "none", "00000000-0000-4000-8000-000000000000"])
        await refuses(
          f,
          ["POST", `/interfaces/${uuid}/${what}`, undefined, "bob"],
          404,
          "interface not found",
        );
  });

  it(`${FLOAT}: a network in error is refused`, async () => {
    const { network, uuids } = await makeGuest(f, ["10.0.0.9"]);
    const entry = f.cloud.store.mirror.get<Network>(`network/${network.uuid}`) ?? assert.fail();
    await f.cloud.store.commit([
      { key: entry.key, write: { put: { ...entry.value, state: "error", error_message: "x" } } },
    ]);
    const words = `network ${network.uuid}: not possible while error: x`;
    await refuses(f, ["POST", `/interfaces/${uuids[0]}/float`, undefined, "alice"], 409, words);
  });

  it(`${FLOAT}: a node that cannot follow is told; asking again mends it`, async () => {
    const { network, uuids } = await makeGuest(f, ["10.0.0.9"]);
    const [uuid = ""] = uuids;
    f.network.before = () => {
      throw new CloudError("unavailable", "ip: not done after 10000 ms");
    };
    assert.equal((await post(uuid, "float")).status, 503);
    f.network.before = () => {};
    assert.equal((await post(uuid, "float")).status, 200);
    assert.deepEqual(leadsTo(network), [{ address: (await show(uuid)).floating, inner: "10.0.0.9" }]);
  });
});

describe("the floating network", () => {
  it(`${FLOAT}: refuses when every address is taken, and where there is no floating network`, async (t) => {
    const f = await fakeCloud({ config: { FLOATING_NETWORK: "192.168.20.0/29" } });
    t.after(() => f.close());
    const addresses = ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7"];
    const { uuids } = await makeGuest(f, addresses);
    for (const uuid of uuids.slice(0, 5)) await f.call("POST", `/interfaces/${uuid}/float`);
    const request: [string, string] = ["POST", `/interfaces/${uuids[5]}/float`];
    await refuses(f, request, 507, "network floating: no free addresses");
    const without = await f.restart({ FLOATING_NETWORK: "" });
    t.after(() => without.close());
    await refuses(without, request, 404, "floating network not found");
    const nat = { netblock: "10.1.0.0/24", provide_nat: true };
    await refuses(without, ["POST", "/networks", nat], 404, "floating network not found");
    await refuses(without, ["GET", "/networks/floating"], 404, "network not found");
  });

  it("GET /networks/floating: system sees it, nobody lists it, and it cannot be deleted", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    assert.deepEqual(await f.call("GET", "/networks/floating"), {
      ...{ uuid: "floating", name: "floating", namespace: null, netblock: "192.168.20.0/24" },
      ...{ provide_dhcp: false, provide_nat: false, vxid: 0, floating_gateway: null },
      ...{ state: "initial", state_updated: 0 },
    });
    assert.deepEqual(await f.call("GET", "/networks/floating/events"), []);
    assert.deepEqual(await f.call("GET", "/networks/floating/interfaces"), []);
    assert.deepEqual(await f.call("GET", "/networks", { all: true }), []);
    await refuses(f, ["GET", "/networks/floating", undefined, "bob"], 404, "network not found");
    await refuses(f, ["DELETE", "/networks/floating", undefined, "bob"], 404, "network not found");
    const request: [string, string] = ["DELETE", "/networks/floating"];
    await refuses(f, request, 403, "you cannot delete the floating network");
    assert.deepEqual(await f.call("DELETE", "/networks", { confirm: true, namespace: "system" }), []);
  });

  it("POST /instances: nobody joins it, nor others' networks (fault 5)", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    const { uuid } = await f.call<Network>("POST", "/networks", { netblock: "10.0.0.0/24" }, "alice");
    const joins: [string, string][] = [
      ["floating", "system"],
      ["floating", "bob"],
      [uuid, "bob"],
    ];
    for (const [network_uuid, as] of joins)
      await refuses(
        f,
        ["POST", "/instances", small({ network: [{ network_uuid }] }), as],
        404,
        `network ${network_uuid} not found`,
      );
  });
});
