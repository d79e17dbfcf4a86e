import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import type { ListedNetwork, Network, NetworkInterface } from "#shared/api/types.ts";
import { replace } from "#shared/ports/store/store.ts";
import { type FakeCloud, fakeCloud, small } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe("networks", () => {
  let f: FakeCloud;
  before(async () => {
    f = await fakeCloud();
  });
  after(() => f.close());

  const make = (more: object = {}, as = "alice") =>
    f.call<Network>("POST", "/networks", { netblock: "10.0.0.0/24", name: "net", ...more }, as);

  it("POST /networks: answers the whole network, usable (fault 46)", async () => {
    await f.authorization("alice");
    const made = await make({ provide_dhcp: true, provide_nat: true });
    assert.match(made.uuid, UUID);
    assert.match(made.floating_gateway ?? "", /^192\.168\.20\.\d+$/);
    assert.deepEqual(
      { ...made, uuid: "", floating_gateway: "", state_updated: 0 },
      {
        ...{ uuid: "", name: "net", namespace: "alice", netblock: "10.0.0.0/24" },
        ...{ provide_dhcp: true, provide_nat: true, vxid: 1, floating_gateway: "" },
        ...{ state: "created", state_updated: 0 },
      },
    );
    const plan = f.network.plans.get(made.uuid);
    assert.deepEqual(plan, {
      ...{ uuid: made.uuid, vxid: 1, netblock: "10.0.0.0/24", mtu: 1450, mesh: [], taps: [] },
      gateway: {
        dhcp: { domain: "shaken", dns: ["8.8.8.8"], hosts: [] },
        nat: { address: made.floating_gateway },
        floating: [],
      },
    });
  });

  it("POST /networks: what is not asked for is off, and shown as it was given", async () => {
    const made = await make({ name: undefined });
    assert.deepEqual(
      [made.name, made.provide_dhcp, made.provide_nat, made.floating_gateway],
      [null, null, null, null],
    );
    assert.deepEqual(f.network.plans.get(made.uuid)?.gateway, { floating: [] });
  });

  it("POST /networks: many at once have numbers and gateways of their own", async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => make({ provide_nat: true })));
    assert.equal(new Set(made.map(({ vxid }) => vxid)).size, 20);
    assert.equal(new Set(made.map(({ floating_gateway }) => floating_gateway)).size, 20);
  });

  async function refusesAll(rows: [body: object, status: number, words: string | RegExp][]): Promise<void> {
    for (const [body, status, words] of rows)
      await refuses(f, ["POST", "/networks", body, "alice"], status, words);
  }

  it("POST /networks: what is no IPv4 block from /8 to /29 is refused (faults 49, 66)", () =>
    refusesAll([
      [{}, 400, /^cannot parse netblock: /],
      [{ netblock: null }, 400, /^cannot parse netblock: /],
      [{ netblock: 10 }, 400, /^cannot parse netblock: /],
      [{ netblock: "garbage" }, 400, /^cannot parse netblock: /],
      [{ netblock: "192.168.200.1/24" }, 400, /^cannot parse netblock: .*host bits/],
      [{ netblock: "fd00::/64" }, 400, /^cannot parse netblock: /],
      [{ netblock: "10.0.0.0/30" }, 400, /^cannot parse netblock: .*between \/8 and \/29/],
      [{ netblock: "10.0.0.0/31" }, 400, /^cannot parse netblock: /],
      [{ netblock: "10.0.0.0/32" }, 400, /^cannot parse netblock: /],
      [{ netblock: "0.0.0.0/0" }, 400, /^cannot parse netblock: /],
      [{ netblock: "010.0.0.0/24" }, 400, /^cannot parse netblock: /],
    ]));

  it("POST /networks: wrong and unknown arguments, and others' namespaces, are refused", () =>
    refusesAll([
      [{ netblock: "10.0.0.0/24", provide_dhcp: "yes" }, 400, "provide_dhcp is not true or false"],
      [{ netblock: "10.0.0.0/24", name: 7 }, 400, "name is not a string"],
      [{ netblock: "10.0.0.0/24", nam: "x" }, 400, "unknown argument 'nam'; did you mean 'name'?"],
      [
        { netblock: "10.0.0.0/24", namespace: "bob" },
        401,
        "only admins can create resources in a different namespace",
      ],
    ]));

  it("POST /networks: system may make it for others that exist, and only those (fault 48)", async () => {
    assert.equal((await make({ namespace: "alice" }, "system")).namespace, "alice");
    const body = { netblock: "10.0.0.0/24", namespace: "nobody" };
    await refuses(f, ["POST", "/networks", body, "system"], 404, "namespace does not exist");
  });

  it("GET /networks: shows one's own, system those of all, each with its number twice (fault 59)", async () => {
    const mine = await make({}, "carol");
    const seen = await f.call<ListedNetwork[]>("GET", "/networks", undefined, "carol");
    assert.deepEqual(seen, [{ ...mine, vxlan_id: mine.vxid }]);
    assert.deepEqual(await f.call("GET", "/networks", undefined, "dave"), []);
    const all = await f.call<Network[]>("GET", "/networks");
    assert.ok(all.some(({ uuid }) => uuid === mine.uuid) && all.length > 1);
    assert.ok(!all.some(({ uuid }) => uuid === "floating"));
  });

  it("GET /networks/{network_ref}: by uuid and by name; the ambiguous name lists its candidates", async () => {
    const one = await make({ name: "twin" }, "erin");
    const show = (ref: string, as = "erin") => f.ask("GET", `/networks/${ref}`, undefined, as);
    assert.deepEqual((await show(one.uuid)).body, one);
    assert.deepEqual((await show("twin")).body, one);
    const other = await make({ name: "twin" }, "erin");
    const { status, body } = await show("twin");
    assert.equal(status, 400);
    const candidates = [one.uuid, other.uuid].sort().join(", ");
    assert.equal(
      (body as { error: string }).error,
      `network name 'twin' is ambiguous, use one of: ${candidates}`,
    );
    await make({ name: "twin" }, "frank");
    assert.equal((await show("twin", "frank")).status, 200);
  });

  it("GET /networks/{network_ref}: others' networks do not exist", async () => {
    const { uuid } = await make({ name: "hidden" });
    for (const ref of [uuid, "hidden", "floating", "none", uuid.toUpperCase()])
      for (const path of ["", "/events", "/interfaces", "/metadata"])
        await refuses(f, ["GET", `/networks/${ref}${path}`, undefined, "bob"], 404, "network not found");
    await refuses(f, ["DELETE", `/networks/${uuid}`, undefined, "bob"], 404, "network not found");
  });

  it("DELETE /networks/{network_ref}: gives all back, the record stays readable, once more is 404", async () => {
    const { uuid, vxid } = await make({ name: "short", provide_nat: true });
    assert.equal(await f.call("DELETE", `/networks/${uuid}`, undefined, "alice"), null);
    const gone = await f.call<Network>("GET", `/networks/${uuid}`, undefined, "alice");
    assert.deepEqual([gone.state, gone.floating_gateway], ["deleted", null]);
    assert.ok(!f.network.plans.has(uuid));
    await f.idle();
    const left = [...f.everything()].filter(([, value]) => JSON.stringify(value).includes(uuid));
    assert.deepEqual(
      left.map(([key]) => key),
      [`network/${uuid}`],
    );
    assert.ok(!f.everything().has(`vxid/${vxid}`));
    await refuses(f, ["DELETE", `/networks/${uuid}`, undefined, "alice"], 404, "network not found");
    await refuses(f, ["GET", "/networks/short", undefined, "alice"], 404, "network not found");
    const seen = (all: unknown) => f.call<Network[]>("GET", "/networks", { all }, "alice");
    assert.ok(!(await seen(false)).some((each) => each.uuid === uuid));
    assert.ok((await seen(1)).some((each) => each.uuid === uuid));
  });

  it("DELETE /networks/{network_ref}: is refused while interfaces are on it", async () => {
    const { uuid } = await make({}, "gail");
    const body = small({ network: [{ network_uuid: uuid, address: "10.0.0.9" }] });
    const { uuid: instance } = await f.call<{ uuid: string }>("POST", "/instances", body, "gail");
    const interfaces = await f.call<NetworkInterface[]>("GET", `/networks/${uuid}/interfaces`, {}, "gail");
    assert.deepEqual(
      interfaces.map(({ ipv4, instance_uuid, state }) => [ipv4, instance_uuid, state]),
      [["10.0.0.9", instance, "created"]],
    );
    await f.idle();
    const request = ["DELETE", `/networks/${uuid}`, undefined, "gail"] as [string, string, undefined, string];
    await refuses(f, request, 403, "you cannot delete an in use network");
    await f.call("DELETE", `/instances/${instance}`, undefined, "gail");
    await f.call(...request);
  });

  it("GET /networks/{network_ref}/events: tells what happened, in order", async () => {
    const { uuid } = await make();
    const events = await f.call<{ operation: string; phase: string; timestamp: number; fqdn: string }[]>(
      "GET",
      `/networks/${uuid}/events`,
      undefined,
      "alice",
    );
    const told = events.map(({ operation, phase }) => `${operation} ${phase}`);
    for (const each of ["api create", "deploy network finish", "api created"]) assert.ok(told.includes(each));
    const times = events.map(({ timestamp }) => timestamp);
    assert.deepEqual(times, [...times].sort());
    assert.equal(events[0]?.fqdn, "sf-1");
  });

  it("an instance on a network that has failed: is not started without it, and says why", async () => {
    const { uuid } = await make();
    const body = small({ network: [{ network_uuid: uuid }] });
    const instance = await f.call<{ uuid: string }>("POST", "/instances", body, "alice");
    await f.call("POST", `/instances/${instance.uuid}/poweroff`, undefined, "alice");
    const entry = f.cloud.store.mirror.get<object>(`network/${uuid}`);
    assert.ok(entry);
    const failed = { ...entry.value, state: "error", error_message: "could not be deployed: no room" };
    await f.cloud.store.commit([replace(entry, failed)]);
    const answer = await f.ask("POST", `/instances/${instance.uuid}/poweron`, undefined, "alice");
    assert.equal(answer.status, 409, answer.text);
    assert.match(answer.text, /network .* while error: could not be deployed: no room/);
    await f.call("DELETE", `/instances/${instance.uuid}`, undefined, "alice");
    await f.call("DELETE", `/networks/${uuid}`, undefined, "alice");
  });

  it("a deployment that fails: is an error with its reason, and can be deleted (fault 46)", async () => {
    f.network.before = (operation) => {
      if (operation === "ensure") throw new Error("the kernel says no");
    };
    const made = await make({ provide_nat: true }, "hal");
    f.network.before = () => {};
    assert.equal(made.state, "error");
    const { error_message } = f.value<{ error_message: string }>(`network/${made.uuid}`);
    assert.equal(error_message, "could not be deployed: unexpected: the kernel says no");
    assert.deepEqual(await f.call("GET", "/networks", undefined, "hal"), []);
    await f.call("DELETE", `/networks/${made.uuid}`, undefined, "hal");
    assert.equal((await f.call<Network>("GET", `/networks/${made.uuid}`, undefined, "hal")).state, "deleted");
  });
});
