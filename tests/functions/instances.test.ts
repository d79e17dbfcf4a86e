import { strict as assert } from "node:assert";
import { appendFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import type { Instance, Network, NetworkInterface } from "#shared/api/types.ts";
import { consoleLog } from "#shared/instances/paths.ts";
import { type FakeCloud, fakeCloud, small } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

const NOWHERE = "00000000-0000-4000-8000-000000000000";

describe("instances", () => {
  let f: FakeCloud;
  let network: Network;
  before(async () => {
    f = await fakeCloud();
    const body = { netblock: "10.0.0.0/24", provide_dhcp: true };
    network = await f.call<Network>("POST", "/networks", body, "alice");
    await f.call("POST", "/networks", body, "bob");
  });
  after(() => f.close());

  const make = (more: Record<string, unknown> = {}, as = "alice") =>
    f.call<Instance>("POST", "/instances", small(more), as);
  const show = (ref: string, as = "alice") => f.call<Instance>("GET", `/instances/${ref}`, undefined, as);

  it("POST /instances: answers the whole instance, running", async () => {
    const made = await make({ name: "one", ssh_key: "ssh-rsa x", user_data: "aGk=" });
    const { uuid, console_port, vdi_port, state_updated, power_state_updated, ...rest } = made;
    assert.ok(console_port !== vdi_port && console_port >= 30_000 && vdi_port <= 32_767);
    assert.ok(state_updated > 0 && (power_state_updated ?? 0) > 0);
    const device = { type: "qcow2", size: 8, device: "vda", bus: "virtio", path: null, base: null };
    const drive = { type: "raw", size: null, device: "vdb", bus: "virtio", path: null, base: null };
    assert.deepEqual(rest, {
      ...{ name: "one", namespace: "alice", cpus: 1, memory: 256 },
      disk_spec: [{ size: 8, base: null, bus: null, type: "disk" }],
      ...{ ssh_key: "ssh-rsa x", user_data: "aGk=", node: "sf-1" },
      block_devices: {
        devices: [
          { ...device, present_as: "disk", snapshot_ignores: false },
          { ...drive, present_as: "disk", snapshot_ignores: true },
        ],
        finalized: true,
      },
      ...{ state: "created", power_state: "on", power_state_previous: "initial" },
      ...{ video: { model: "cirrus", memory: 16384 }, error_message: null, node_history: [] },
      ...{ requested_placement: null, placement_attempts: 1 },
    });
    assert.equal((await f.hypervisor.getDomain(uuid))?.power, "on");
    assert.deepEqual(await show("one"), made);
  });

  it("POST /instances: what old clients send is taken", async () => {
    const made = await make({
      name: "under_score",
      disk: [{ size: "8", base: "", bus: "", type: "" }],
      network: null,
      video: { model: "", memory: 0 },
      placed_on: null,
      instance_uuid: null,
      namespace: null,
      user_data: "",
      ssh_key: "",
    });
    assert.deepEqual(made.disk_spec, [{ size: 8, base: null, bus: null, type: "disk" }]);
    assert.deepEqual(made.video, { model: "cirrus", memory: 16384 });
    assert.equal((await make({ video: { memory: "1024" } })).video.memory, 1024);
    assert.equal((await make({ placed_on: "sf-1" })).requested_placement, "sf-1");
  });

  it("POST /instances: user data in wrapped lines are taken, and answered as they came", async () => {
    for (const user_data of ["IyEvYmlu\nL3NoCg==\n", " aGVs\r\n bG8= ", "Q U J D", "aGVsbA\n=\n="])
      assert.equal((await make({ user_data })).user_data, user_data);
  });

  it("POST /instances: system may choose the uuid, once", async () => {
    const instance_uuid = "ABCDEF01-2345-4678-9ABC-DEF012345678";
    const made = await make({ instance_uuid, namespace: "alice" }, "system");
    assert.equal(made.uuid, instance_uuid.toLowerCase());
    const body = small({ instance_uuid });
    await refuses(f, ["POST", "/instances", body, "system"], 409, /exists already$/);
  });

  it("POST /instances: interfaces keep the order, the case and the addresses of the request (fault 50)", async () => {
    const { uuid } = await make({
      network: [
        { network_uuid: network.uuid, address: "10.0.0.77", macaddress: "02:AA:bb:00:00:77", model: "e1000" },
        { network_uuid: network.uuid },
      ],
    });
    const path = `/instances/${uuid}/interfaces`;
    const interfaces = await f.call<NetworkInterface[]>("GET", path, undefined, "alice");
    const [first, second] = interfaces;
    assert.deepEqual(
      { ...first, uuid: "", state_updated: 0 },
      {
        ...{ uuid: "", network_uuid: network.uuid, instance_uuid: uuid, macaddr: "02:AA:bb:00:00:77" },
        ...{
          ipv4: "10.0.0.77",
          order: 0,
          floating: null,
          state: "created",
          state_updated: 0,
          model: "e1000",
        },
      },
    );
    assert.deepEqual([second?.order, second?.model, interfaces.length], [1, "virtio", 2]);
    assert.match(second?.macaddr ?? "", /^02:00:00(:[0-9a-f]{2}){3}$/);
    const hosts = f.network.plans.get(network.uuid)?.gateway?.dhcp?.hosts;
    for (const { macaddr, ipv4 } of interfaces) {
      const host = hosts?.find(({ address }) => address === ipv4);
      assert.deepEqual(host, { macaddr: macaddr.toLowerCase(), name: "guest", address: ipv4 });
    }
    await f.call("DELETE", `/instances/${uuid}`, undefined, "alice");
    assert.deepEqual(await f.call("GET", path, undefined, "alice"), []);
    await f.idle();
    assert.deepEqual(f.network.plans.get(network.uuid)?.gateway?.dhcp?.hosts, []);
  });

  it("POST /instances: a picked address never takes the one that the same request asks for", async () => {
    const made = await f.call<Network>("POST", "/networks", { netblock: "10.9.0.0/29" }, "alice");
    const nics = [{}, {}, {}, {}, { address: "10.9.0.4" }];
    for (let times = 0; times < 5; times++) {
      const request = { network: nics.map((nic) => ({ ...nic, network_uuid: made.uuid })) };
      const { uuid } = await make(request);
      await f.call("DELETE", `/instances/${uuid}`, undefined, "alice");
    }
  });

  it("GET /instances: one's own living ones; with all also the deleted; system sees everybody's", async () => {
    const kept = await make({}, "carol");
    const gone = await make({}, "carol");
    await f.call("DELETE", `/instances/${gone.uuid}`, undefined, "carol");
    const list = async (body: unknown, as: string) =>
      (await f.call<Instance[]>("GET", "/instances", body, as)).map(({ uuid }) => uuid).sort();
    assert.deepEqual(await list(undefined, "carol"), [kept.uuid]);
    assert.deepEqual(await list({ all: true }, "carol"), [kept.uuid, gone.uuid].sort());
    assert.deepEqual(await list({ all: "yes" }, "carol"), [kept.uuid, gone.uuid].sort());
    assert.deepEqual(await list({ all: 0 }, "carol"), [kept.uuid]);
    assert.deepEqual(await list({ all: true }, "dave"), []);
    assert.ok((await list({}, "system")).includes(kept.uuid));
  });

  it("GET /instances/{instance_ref}: what is another's does not exist", async () => {
    const { uuid } = await make({ name: "hidden" });
    for (const ref of [uuid, "hidden", NOWHERE])
      for (const path of ["", "/events", "/interfaces", "/metadata", "/consoledata"])
        await refuses(f, ["GET", `/instances/${ref}${path}`, undefined, "bob"], 404, "instance not found");
    await refuses(f, ["DELETE", `/instances/${uuid}`, undefined, "bob"], 404, "instance not found");
    assert.equal((await show(uuid, "system")).uuid, uuid);
  });

  it("DELETE /instances/{instance_ref}: gives all back, the record stays, once more is 404", async () => {
    const { uuid } = await make({ name: "short", network: [{ network_uuid: network.uuid }] });
    const before = f.value<{ cpus: number }>("claim/sf-1").cpus;
    assert.equal(await f.call("DELETE", `/instances/${uuid}`, undefined, "alice"), null);
    const gone = await show(uuid);
    assert.deepEqual([gone.state, gone.power_state, gone.error_message], ["deleted", "off", null]);
    assert.equal(await f.hypervisor.getDomain(uuid), undefined);
    await f.idle();
    const left = [...f.everything()].filter(([, value]) => JSON.stringify(value).includes(uuid));
    assert.deepEqual(
      left.map(([key]) => key.replace(/[^/]+$/, "")),
      ["instance/", "interface/"],
    );
    assert.equal(f.value<{ cpus: number }>("claim/sf-1").cpus, before - 1);
    await refuses(f, ["DELETE", `/instances/${uuid}`, undefined, "alice"], 404, "instance not found");
    await refuses(f, ["GET", "/instances/short", undefined, "alice"], 404, "instance not found");
  });

  it("GET …/consoledata: the last bytes as text, all of them, or none", async () => {
    const { uuid } = await make();
    const read = (body?: unknown) => f.ask("GET", `/instances/${uuid}/consoledata`, body, "alice");
    assert.deepEqual([(await read()).text, (await read()).type], ["", "text/plain; charset=utf-8"]);
    await appendFile(consoleLog(f.cloud.config, uuid), `${"x".repeat(11_000)}END`);
    const lengths: [unknown, number][] = [
      [undefined, 10_240],
      [{}, 10_240],
      ["null", 10_240],
      [{ length: 3 }, 3],
      [{ length: "3" }, 3],
      [{ length: -1 }, 11_003],
      [{ length: "-1" }, 11_003],
      [{ length: 0 }, 11_003],
      [{ length: null }, 11_003],
      [{ length: "" }, 11_003],
      [{ length: 1e9 }, 11_003],
    ];
    for (const [body, length] of lengths) {
      const { text } = await read(body);
      assert.deepEqual([text.length, text.slice(-3)], [length, "END"], JSON.stringify(body));
    }
    for (const length of ["banana", 1.5, [], true])
      assert.equal((await read({ length })).status, 400, String(length));
    const { body } = await read({ length: "banana" });
    assert.equal((body as { error: string }).error, "length is not an integer");
  });

  it("GET …/events: tells of the start, with names that clients look for", async () => {
    const { uuid } = await make({ network: [{ network_uuid: network.uuid }] });
    const path = `/instances/${uuid}/events`;
    const events = await f.call<Record<string, unknown>[]>("GET", path, undefined, "alice");
    const told = events.map(({ operation, phase }) => `${operation} ${phase}`);
    for (const each of [
      ...["uuid allocated null", "placement null", "create enqueued", "instance start dequeued"],
      ...["state changed initial -> creating", "ensure networks exist finish", "create domain finish"],
      "state changed creating -> created",
    ])
      assert.ok(told.includes(each), each);
    const finish = events.find(({ phase }) => phase === "finish");
    assert.equal(typeof finish?.duration, "number");
    assert.deepEqual(Object.keys(events[0] ?? {}).sort(), [
      ...["duration", "fqdn", "message", "object_type", "object_uuid", "operation", "phase", "timestamp"],
    ]);
  });

  it("GET …/metadata: is an empty object at first", async () => {
    const { uuid } = await make();
    assert.deepEqual(await f.call("GET", `/instances/${uuid}/metadata`, undefined, "alice"), {});
  });
});
