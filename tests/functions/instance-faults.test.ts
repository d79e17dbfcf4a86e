// What v0.3 did wrong with instances, by the numbers that its faults have in our list.
import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { describe, it, type TestContext } from "node:test";
import type { Event, Instance, Network, NetworkInterface } from "#shared/api/types.ts";
import { CloudError } from "#shared/errors.ts";
import { consoleLog, instanceDirectory } from "#shared/instances/paths.ts";
import { type FakeCloud, type FakeCloudOptions, fakeCloud, small } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

async function open(t: TestContext, options: FakeCloudOptions = {}) {
  const f = await fakeCloud(options);
  t.after(() => f.close());
  const network = (more: object = {}) =>
    f.call<Network>("POST", "/networks", { netblock: "10.0.0.0/24", name: "net", ...more }, "alice");
  const make = (more: Record<string, unknown> = {}) =>
    f.call<Instance>("POST", "/instances", small(more), "alice");
  const show = (uuid: string) => f.call<Instance>("GET", `/instances/${uuid}`, undefined, "alice");
  const told = async (uuid: string) =>
    (await f.call<Event[]>("GET", `/instances/${uuid}/events`, undefined, "alice")).map(
      ({ operation, phase }) => `${operation} ${phase}`,
    );
  return { f, network, make, show, told };
}

async function schedule(f: FakeCloud, name: string): Promise<void> {
  const found = f.table.schedules.find((each) => each.name === name) ?? assert.fail();
  await found.definition.run({ cloud: f.cloud, signal: new AbortController().signal });
}

describe("faults of v0.3", () => {
  it("fault 28, changes of one record at once: none is lost, and the last power stays", async (t) => {
    const { f, network, make, show } = await open(t);
    const { uuid: network_uuid } = await network();
    const { uuid } = await make({ network: [{ network_uuid }] });
    const [nic] = await f.call<NetworkInterface[]>("GET", `/instances/${uuid}/interfaces`);
    const turns = Array.from({ length: 10 }, async (_, turn) => {
      await f.hypervisor.pause(uuid);
      await f.hypervisor.unpause(uuid);
      await f.call("POST", `/interfaces/${nic?.uuid}/float`);
      await f.call("POST", `/instances/${uuid}/metadata`, { key: `turn-${turn}`, value: "x" });
    });
    await Promise.all(turns);
    await f.call("POST", `/instances/${uuid}/unpause`);
    assert.equal((await show(uuid)).power_state, "on");
    const metadata = await f.call<object>("GET", `/instances/${uuid}/metadata`);
    assert.equal(Object.keys(metadata).length, 10);
    const { floating } = await f.call<NetworkInterface>("GET", `/interfaces/${nic?.uuid}`);
    assert.ok(floating !== null && f.everything().has(`address/floating/${floating}`));
  });

  const steps = [
    "ensure networks exist",
    "fetch images",
    "make config drive",
    "create disks",
    "create domain",
  ];
  for (const step of steps) {
    it(`fault 29, a delete during ${step}: the instance never comes up`, async (t) => {
      const { f, make, show } = await open(t);
      const { events } = f.cloud;
      const record = events.record;
      let deletion: Promise<unknown> | undefined;
      events.record = (type, uuid, event) => {
        record(type, uuid, event);
        if (event.operation === step && event.phase === "start")
          deletion ??= f.call("DELETE", `/instances/${uuid}`, undefined, "alice");
      };
      const { uuid } = await make();
      assert.ok(deletion);
      await deletion;
      assert.equal((await show(uuid)).state, "deleted");
      assert.equal(await f.hypervisor.getDomain(uuid), undefined);
    });
  }

  it("fault 33, a domain that never starts: error with the hypervisor's words", async (t) => {
    const { f, make, told } = await open(t);
    f.hypervisor.start = () => Promise.reject(new CloudError("internal", "libvirt: no such machine"));
    const { uuid, state, error_message } = await make();
    assert.deepEqual([state, error_message], ["error", "libvirt: no such machine"]);
    assert.ok((await told(uuid)).includes("error message libvirt: no such machine"));
  });

  it("fault 34, a domain that vanished from libvirt: is off, with its event", async (t) => {
    const { f, make, show, told } = await open(t);
    const { uuid } = await make();
    await f.hypervisor.undefine(uuid);
    await schedule(f, "instances/power-state");
    const { state, power_state, power_state_previous } = await show(uuid);
    assert.deepEqual([state, power_state, power_state_previous], ["created", "off", "on"]);
    assert.ok((await told(uuid)).includes("detected poweroff complete"));
    assert.equal(await f.call("POST", `/instances/${uuid}/poweron`, undefined, "alice"), true);
  });

  it("fault 35, calls that the guest's power does not allow: 409 with the reason", async (t) => {
    const { f, make } = await open(t);
    const { uuid } = await make();
    await f.call("POST", `/instances/${uuid}/poweroff`, undefined, "alice");
    const call = (what: string) =>
      ["POST", `/instances/${uuid}/${what}`, undefined, "alice"] as [string, string, undefined, string];
    for (const what of ["rebootsoft", "reboothard", "reboot", "pause", "unpause"])
      await refuses(f, call(what), 409, /^instance [0-9a-f-]+: cannot [a-z ]+: libvirt: .*not running$/);
    f.hypervisor.refuseNextStart("no room for it");
    await refuses(f, call("poweron"), 409, /cannot poweron: libvirt: no room for it$/);
    await f.call("DELETE", `/instances/${uuid}`, undefined, "alice");
    const words = `instance ${uuid}: not possible while deleted`;
    for (const what of ["poweron", "poweroff", "pause"]) await refuses(f, call(what), 409, words);
  });

  it("fault 36, interfaces: the guest has them in the order of the request", async (t) => {
    const { f, network, make } = await open(t);
    const networks = [await network(), await network(), await network()];
    const nics = networks.map(({ uuid }, index) => ({
      network_uuid: uuid,
      macaddress: `02:00:00:00:00:0${9 - index}`,
    }));
    const { uuid } = await make({ network: nics });
    const macs = f.hypervisor.definitionOf(uuid)?.match(/02:00:00:00:00:0\d/g);
    assert.deepEqual(
      macs,
      nics.map(({ macaddress }) => macaddress),
    );
    const listed = await f.call<NetworkInterface[]>("GET", `/instances/${uuid}/interfaces`);
    assert.deepEqual(
      listed.map(({ macaddr, order }) => [macaddr, order]),
      nics.map(({ macaddress }, order) => [macaddress, order]),
    );
  });

  it("fault 44, one that cannot be let go of: keeps no other, and is tried again", async (t) => {
    const { f, make } = await open(t);
    const made = [await make(), await make()];
    for (const { uuid } of made) await f.call("DELETE", `/instances/${uuid}`, undefined, "alice");
    f.clock.advance(f.cloud.config.CLEANER_DELAY + 1);
    const [stuck] = made.map(({ uuid }) => uuid).sort();
    f.hypervisor.removeLogs = (uuid) =>
      uuid === stuck ? Promise.reject(new CloudError("internal", "it will not")) : Promise.resolve();
    const left = () => [...f.everything().keys()].filter((key) => key.startsWith("instance/"));
    await schedule(f, "instances/clean-up");
    assert.deepEqual(left(), [`instance/${stuck}`]);
    f.hypervisor.removeLogs = () => Promise.resolve();
    await schedule(f, "instances/clean-up");
    assert.deepEqual(left(), []);
  });

  it("fault 45, interfaces that go: their addresses and MACs can be had again", async (t) => {
    const { f, network, make } = await open(t);
    const { uuid: network_uuid } = await network();
    const nic = { network_uuid, address: "10.0.0.9", macaddress: "02:00:00:00:00:01" };
    for (let turn = 0; turn < 2; turn++) {
      const { uuid, state } = await make({ network: [nic] });
      assert.equal(state, "created");
      await f.call("DELETE", `/instances/${uuid}`, undefined, "alice");
    }
  });

  it("fault 61, block_devices: show no path of the host and no XML", async (t) => {
    const { f, make } = await open(t);
    const { uuid } = await make();
    const { text } = await f.ask("GET", `/instances/${uuid}`, undefined, "alice");
    assert.ok(!text.includes(f.cloud.config.STORAGE_PATH) && !text.includes("<"));
    assert.equal(JSON.parse(text).block_devices.finalized, true);
  });

  it("fault 64, an instance in error: keeps its console's log until its record goes", async (t) => {
    const { f, make, show } = await open(t);
    f.hypervisor.start = async (uuid) => {
      await writeFile(consoleLog(f.cloud.config, uuid), "Kernel panic");
      throw new CloudError("internal", "libvirt: it ended");
    };
    const { uuid, state } = await make();
    assert.equal(state, "error");
    const { text } = await f.ask("GET", `/instances/${uuid}/consoledata`, undefined, "alice");
    assert.equal(text, "Kernel panic");
    f.clock.advance(f.cloud.config.CLEANER_DELAY + 1);
    await schedule(f, "instances/clean-up");
    await assert.rejects(show(uuid));
    assert.ok(!existsSync(instanceDirectory(f.cloud.config, uuid)));
  });

  it("networks/clean-up: a network in error gives its number back in the end", async (t) => {
    const { f, network } = await open(t);
    f.network.before = (operation) => {
      if (operation === "ensure") throw new CloudError("internal", "no");
    };
    const { uuid, state, vxid } = await network();
    f.network.before = () => {};
    assert.equal(state, "error");
    for (let turn = 0; turn < 2; turn++) {
      assert.ok(f.everything().has(`network/${uuid}`));
      f.clock.advance(f.cloud.config.CLEANER_DELAY + 1);
      await schedule(f, "networks/clean-up");
      await f.idle();
      assert.ok(!f.everything().has(`vxid/${vxid}`));
    }
    assert.ok(!f.everything().has(`network/${uuid}`));
  });
});
