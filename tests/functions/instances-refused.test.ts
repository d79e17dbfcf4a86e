import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import type { Network } from "#shared/api/types.ts";
import { type FakeCloud, fakeCloud, small } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

const NOWHERE = "00000000-0000-4000-8000-000000000000";

describe("POST /instances: refusals", () => {
  let f: FakeCloud;
  let network: Network;
  before(async () => {
    f = await fakeCloud();
    const body = { netblock: "10.0.0.0/24", provide_dhcp: true };
    network = await f.call<Network>("POST", "/networks", body, "alice");
  });
  after(() => f.close());

  const make = (more: Record<string, unknown>) => f.call("POST", "/instances", small(more), "alice");

  const nic = (more: object) => ({ network: [{ network_uuid: "NETWORK", ...more }] });
  const host = "instance name must be useable as a DNS host name";
  const outside = "network specification requests an address outside the range of the network";

  /** Each is refused with the status and the words, and leaves nothing. */
  async function refusesAll(rows: [Record<string, unknown>, number, string | RegExp][]): Promise<void> {
    for (const [more, status, words] of rows) {
      const body = JSON.parse(JSON.stringify(small(more)).replace('"NETWORK"', `"${network.uuid}"`));
      await refuses(f, ["POST", "/instances", body, "alice"], status, words);
    }
  }

  it("POST /instances: a name that is no host name is refused (faults 2, 31)", () =>
    refusesAll([
      [{ name: undefined }, 400, host],
      [{ name: "" }, 400, host],
      [{ name: "a.b" }, 400, host],
      [{ name: "x".repeat(64) }, 400, host],
      [{ name: 'x"/><evil' }, 400, host],
      [{ name: "ok\n" }, 400, host],
    ]));

  it("POST /instances: vCPUs, memory and sizes that are no whole numbers from 1 are refused (faults 30, 31)", () =>
    refusesAll([
      [{ cpus: null }, 400, /^cpus must be a whole number from 1/],
      [{ cpus: 0 }, 400, /^cpus must be a whole number from 1/],
      [{ cpus: -1 }, 400, /^cpus must be a whole number from 1/],
      [{ cpus: "1" }, 400, /^cpus must be a whole number from 1/],
      [{ memory: "1" }, 400, /^memory must be a whole number from 1/],
      [{ memory: 0 }, 400, /^memory must be a whole number from 1/],
      [{ memory: -5 }, 400, /^memory must be a whole number from 1/],
      [{ disk: [{ size: "banana" }] }, 400, /^disk size must be a whole number/],
      [{ disk: [{ size: 0 }] }, 400, /^disk size must be a whole number/],
      [{ disk: [{ size: -1 }] }, 400, /^disk size must be a whole number/],
      [{ disk: [{ size: 1.5 }] }, 400, /^disk size must be a whole number/],
    ]));

  it("POST /instances: disks and interfaces of another form are refused (fault 30)", () =>
    refusesAll([
      [{ disk: undefined }, 400, "instance must specify at least one disk"],
      [{ disk: [] }, 400, "instance must specify at least one disk"],
      [{ disk: ["8@x"] }, 400, "disk specification should contain JSON objects"],
      [{ disk: [null] }, 400, "disk specification should contain JSON objects"],
      [{ disk: [{ size: 8, file: "x" }] }, 400, /^unknown argument 'file' in disk\.0/],
      [{ network: ["x"] }, 400, "network specification should contain JSON objects"],
      [{ network: "x" }, 400, "network specification should contain JSON objects"],
      [{ network: [{}] }, 400, "network specification is missing network_uuid"],
    ]));

  it("POST /instances: what is on no list of buses, types and models is refused (fault 2)", () =>
    refusesAll([
      [{ disk: [{ size: 8, bus: "floppy" }] }, 400, /^disk bus is none of virtio, ide, scsi, usb$/],
      [{ disk: [{ size: 8, type: "tape" }] }, 400, "disk type is neither disk nor cdrom"],
      [nic({ model: "virtio'/>" }), 400, /^network model is none of/],
      [{ video: { model: "evil" } }, 400, /^video model is none of/],
    ]));

  it("POST /instances: more disks than there are places for are refused (fault 51)", () =>
    refusesAll([
      [{ disk: Array(25).fill({ size: 1 }) }, 400, "instance must not have more than 24 disks"],
      [
        { disk: Array(4).fill({ size: 1, bus: "ide" }) },
        400,
        "only the first three disks can be ide or cdrom",
      ],
      [
        { disk: Array(4).fill({ size: 1, type: "cdrom" }) },
        400,
        "only the first three disks can be ide or cdrom",
      ],
    ]));

  it("POST /instances: what is no free address of the network is refused (faults 1, 3)", () =>
    refusesAll([
      [nic({ address: "10.0.1.5" }), 400, outside],
      [nic({ address: "10.0.0.1" }), 400, outside],
      [nic({ address: "10.0.0.255" }), 400, outside],
      [nic({ address: "10.0.0.5; reboot" }), 400, outside],
      [nic({ address: "10.0.0.5,evil" }), 400, outside],
      [nic({ address: "10.0.0.5\n02:00:00:00:00:01,evil,10.0.0.6" }), 400, outside],
      [nic({ address: "10.0.0.5\n" }), 400, outside],
      [nic({ address: "10.0.0.0x5" }), 400, outside],
      [nic({ address: "fd00::1" }), 400, outside],
    ]));

  it("POST /instances: what is no MAC of one card is refused (faults 2, 3, 50)", () =>
    refusesAll([
      [nic({ macaddress: "02:00:00:00:00" }), 400, /^macaddress must look like/],
      [nic({ macaddress: "02:00:00:00:00:01,evil" }), 400, /^macaddress must look like/],
      [nic({ macaddress: "02:00:00:00:00:01\nevil" }), 400, /^macaddress must look like/],
      [nic({ macaddress: "02:00:00:00:00:01'/><evil" }), 400, /^macaddress must look like/],
      [nic({ macaddress: "01:00:00:00:00:01" }), 400, /^macaddress must look like/],
    ]));

  it("POST /instances: user data that is not base64, and a key that is no text, are refused (fault 32)", () =>
    refusesAll([
      [{ user_data: "not base64!" }, 400, "user_data is not base64"],
      [{ user_data: "aGk" }, 400, "user_data is not base64"],
      [{ user_data: "aGk\n" }, 400, "user_data is not base64"],
      [{ user_data: "a=\nGk" }, 400, "user_data is not base64"],
      [{ user_data: 7 }, 400, "user_data is not a string"],
      [{ ssh_key: 7 }, 400, "ssh_key is not a string"],
    ]));

  it("POST /instances: a uuid is for system alone, and must be one (fault 12)", async () => {
    await refusesAll([
      [{ instance_uuid: NOWHERE }, 401, "only system can specify an instance uuid"],
      [{ instance_uuid: "../../etc" }, 400, "instance_uuid is not a UUID"],
      [{ uuid: NOWHERE }, 400, /^unknown argument 'uuid'/],
    ]);
    for (const instance_uuid of ["../../etc", "x; reboot", "", 7, NOWHERE.slice(1)]) {
      const words = /instance_uuid/;
      await refuses(f, ["POST", "/instances", small({ instance_uuid }), "system"], 400, words);
    }
  });

  it("POST /instances: what there is not for the caller is refused (fault 5)", () =>
    refusesAll([
      [{ placed_on: "nowhere" }, 404, "Specified node does not exist"],
      [{ namespace: "bob" }, 401, "only admins can create resources in a different namespace"],
      [{ network: [{ network_uuid: NOWHERE }] }, 404, `network ${NOWHERE} not found`],
      [{ network: [{ network_uuid: "floating" }] }, 404, "network floating not found"],
    ]));

  it("POST /instances: what no node has room for is 507", () =>
    refusesAll([
      [{ cpus: 9 }, 507, /^Requested vCPUs exceeds vCPU limit/],
      [{ memory: 60 * 1024 + 1 }, 507, /^No nodes with enough idle RAM/],
      [{ disk: [{ size: 10_001 }] }, 507, /^No nodes with enough disk space/],
    ]));

  it("POST /instances: others' networks, deleted networks, taken addresses and MACs are refused (faults 5, 50)", async () => {
    const nics = (network_uuid: string, more = {}) => small({ network: [{ network_uuid, ...more }] });
    const post = (body: object, as = "alice") => ["POST", "/instances", body, as] as const;
    await refuses(f, [...post(nics(network.uuid), "bob")], 404, `network ${network.uuid} not found`);
    const gone = await f.call<Network>("POST", "/networks", { netblock: "10.0.0.0/24" }, "alice");
    await f.call("DELETE", `/networks/${gone.uuid}`, undefined, "alice");
    await refuses(f, [...post(nics(gone.uuid))], 404, `network ${gone.uuid} not found`);
    await make(nics(network.uuid, { address: "10.0.0.50", macaddress: "02:00:00:00:00:50" }));
    await f.idle();
    await refuses(
      f,
      [...post(nics(network.uuid, { address: "10.0.0.50" }))],
      409,
      "address 10.0.0.50 in use",
    );
    const mac = { macaddress: "02:00:00:00:00:50" };
    await refuses(f, [...post(nics(network.uuid, mac))], 409, "macaddress 02:00:00:00:00:50 in use");
    const twice = small({ network: Array(2).fill({ network_uuid: network.uuid, address: "10.0.0.60" }) });
    await refuses(f, [...post(twice)], 409, "address 10.0.0.60 in use");
  });

  it("POST /instances: of ten that ask for one address at once, one gets it", async () => {
    const body = small({ network: [{ network_uuid: network.uuid, address: "10.0.0.99" }] });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => f.ask("POST", "/instances", body, "alice")),
    );
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, ...Array(9).fill(409)]);
  });

  it("POST /instances: a full network is 507 (fault 19)", async () => {
    const { uuid } = await f.call<Network>("POST", "/networks", { netblock: "10.8.0.0/29" }, "alice");
    const nics = (count: number) => ({ network: Array(count).fill({ network_uuid: uuid }) });
    await make(nics(5));
    await f.idle();
    const words = `network ${uuid}: no free addresses`;
    await refuses(f, ["POST", "/instances", small(nics(1)), "alice"], 507, words);
  });
});
