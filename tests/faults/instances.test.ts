import { strict as assert } from "node:assert";
import { describe, it, type TestContext } from "node:test";
import type { Instance } from "#shared/api/types.ts";
import { type FakeCloud, type FakeCloudOptions, fakeCloud, small } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

async function open(t: TestContext, options: FakeCloudOptions = {}): Promise<FakeCloud> {
  const f = await fakeCloud(options);
  t.after(() => f.close());
  return f;
}

/** The definition that libvirt is given of a small instance. */
async function definition(t: TestContext, config: Record<string, string> = {}): Promise<string> {
  const f = await open(t, { config });
  const { uuid } = await f.call<Instance>("POST", "/instances", small());
  return f.hypervisor.definitionOf(uuid) ?? assert.fail();
}

describe("instances, as v0.3 did not make them", () => {
  it("consoles: listen where the site says, else on loopback alone (fault 6)", async (t) => {
    const listens = (xml: string) => [
      /<source mode='bind' host='([^']*)'/.exec(xml)?.[1],
      /<graphics type='vnc' [^>]*listen='([^']*)'/.exec(xml)?.[1],
    ];
    assert.deepEqual(listens(await definition(t)), ["127.0.0.1", "127.0.0.1"]);
    const there = await definition(t, { CONSOLE_ADDRESS: "10.1.2.3" });
    assert.deepEqual(listens(there), ["10.1.2.3", "10.1.2.3"]);
  });

  it("POST /instances: needs no interfaces, however none are asked for (fault 17)", async (t) => {
    const f = await open(t);
    for (const network of [undefined, null, []]) {
      const made = await f.call<Instance>("POST", "/instances", small({ network }));
      assert.deepEqual([made.state, made.power_state], ["created", "on"], JSON.stringify(network));
      assert.deepEqual(await f.call("GET", `/instances/${made.uuid}/interfaces`), []);
      await f.call("DELETE", `/instances/${made.uuid}`);
    }
  });

  it("console ports: are counted by node, whoever is asked, and freed where they were taken (fault 27)", async (t) => {
    const config = { NETWORK_NODE_IP: "10.255.0.1", CONSOLE_PORTS: "30000-30001" };
    const one = await open(t, { config });
    const node = { name: "sf-2", ip: "10.255.0.2" };
    const other = await open(t, { memory: one.memory, config, node });
    const on = (placed_on: string) => small({ placed_on });
    const here = await one.call<Instance>("POST", "/instances", on("sf-1"));
    const there = await one.call<Instance>("POST", "/instances", on("sf-2"));
    for (const { state, console_port, vdi_port } of [here, there]) {
      assert.equal(state, "created");
      assert.deepEqual([console_port, vdi_port].sort(), [30_000, 30_001]);
    }
    await other.idle();
    await refuses(one, ["POST", "/instances", on("sf-2")], 507, "node sf-2: no free console ports");
    await one.call("DELETE", `/instances/${there.uuid}`);
    const held = [...one.everything().keys()].filter((key) => key.startsWith("port/")).sort();
    assert.deepEqual(held, ["port/sf-1/30000", "port/sf-1/30001"]);
  });

  it("POST /instances: ISOs that no place is left for are an error with the reason (fault 51)", async (t) => {
    const f = await open(t);
    const base = "http://images.example.org/disc.iso";
    const body = Buffer.alloc(40_000);
    body.write("CD001", 32_769);
    f.http.serve(base, { body });
    const [blank, disc] = [{ size: 1 }, { base }];
    const make = (disk: object[]) => f.call<Instance>("POST", "/instances", small({ disk }));
    assert.equal((await make([blank, disc, disc])).state, "created");
    const crowded = await make([blank, blank, blank, disc]);
    assert.deepEqual(
      [crowded.state, crowded.error_message],
      ["error", "disk hde: ide has room for hda to hdd only"],
    );
  });

  it("the machine: is the kind that every QEMU has under this name (fault 42)", async (t) => {
    assert.match(await definition(t), /machine='pc'/);
  });

  it("the firmware: shows no menu and waits for nobody (fault 68)", async (t) => {
    assert.doesNotMatch(await definition(t), /bootmenu|splash|reboot-timeout/);
  });
});
