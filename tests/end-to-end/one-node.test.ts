// The main job on real components: a network, a guest on it, what users see of both, and nothing left afterwards.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Instance, Network } from "#shared/api/types.ts";
import { eventually } from "../support/await.ts";
import { startCloud, type TestCloud } from "../support/cloud.ts";
import { NOTHING_CLAIMED, takeInventory } from "../support/inventory.ts";
import { OUTSIDE_ADDRESS } from "../support/network-host.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const CLIENT = fileURLToPath(new URL("../../dist/sf-client.js", import.meta.url));
const BOOT_MS = 90_000;
const SCRIPT = `#!/bin/sh
echo "user data ran on $(hostname)"
ping -c 1 -W 5 ${OUTSIDE_ADDRESS} >/dev/null && echo "egress works" || echo "egress fails"
`;

describe("a one-node cloud", () => {
  let cloud: TestCloud;
  let network: Network;
  let instance: Instance;

  before(async () => {
    cloud = await startCloud();
  });
  after(() => cloud?.stop());

  const client = (...args: string[]) =>
    spawnSync(CLIENT, ["--apiurl", cloud.apiUrl, "--namespace", "system", "--key", cloud.key, ...args], {
      encoding: "utf8",
    });

  it("POST /networks: answers a network that serves DHCP", async () => {
    network = await cloud.api.createNetwork({
      netblock: "10.0.0.0/24",
      name: "net",
      provide_dhcp: true,
      provide_nat: true,
    });
    assert.equal(network.state, "created");
    assert.match(network.floating_gateway ?? "", /^192\.168\.20\.\d+$/);
    assert.ok((await takeInventory(cloud.store)).namespaces.includes(network.uuid));
  });

  it("POST /instances: answers a running instance", async () => {
    instance = await cloud.api.createInstance({
      name: "guest",
      cpus: 1,
      memory: 192,
      disk: [{ size: 8, base: cloud.imageUrl, bus: null, type: "disk" }],
      network: [{ network_uuid: network.uuid, address: "10.0.0.9", macaddress: "02:00:00:AA:bb:01" }],
      user_data: Buffer.from(SCRIPT).toString("base64"),
    });
    assert.equal(instance.state, "created");
    assert.equal(instance.power_state, "on");
    assert.equal(instance.error_message, null);
    const [nic] = await cloud.api.listInterfaces("instances", instance.uuid);
    assert.equal(nic?.ipv4, "10.0.0.9");
    assert.equal(nic?.macaddr, "02:00:00:AA:bb:01");
  });

  it("a guest: comes to its login prompt, which is an event", async () => {
    await eventually("login prompt", BOOT_MS, async () => {
      const events = await cloud.api.listEvents("instances", instance.uuid);
      return events.find(({ operation, message }) => operation === "trigger" && message === "login prompt");
    });
  });

  it("a guest: has its address by DHCP and answers ping from the network's namespace", () => {
    execFileSync("ip", ["netns", "exec", network.uuid, "ping", "-c", "1", "-W", "5", "10.0.0.9"]);
  });

  it("GET consoledata: has what the guest wrote: user data ran, egress works", async () => {
    const text = await eventually("egress", BOOT_MS, async () => {
      const all = String(await cloud.api.getConsoleData(instance.uuid, -1));
      return all.includes("egress") ? all : undefined;
    });
    assert.match(text, /user data ran on guest/);
    assert.match(text, /egress works/);
    assert.ok(text.length > 11_000, `only ${text.length} bytes`);
    assert.equal((await cloud.api.getConsoleData(instance.uuid, 100)).length, 100);
  });

  it("sf-client instance list: shows it in three formats", () => {
    const pretty = client("instance", "list");
    assert.equal(pretty.status, 0, pretty.stdout + pretty.stderr);
    assert.match(pretty.stdout, /\| +guest +\| +system +\|/);
    assert.match(
      client("--simple", "instance", "list").stdout,
      new RegExp(`^${instance.uuid},guest,system,1,192,`, "m"),
    );
    const { instances } = JSON.parse(client("--json", "instance", "list").stdout);
    assert.equal(instances[0].uuid, instance.uuid);
  });

  it("sf-client instance show, network show, image list, node list: work on names too", () => {
    for (const args of [
      ["instance", "show", "guest"],
      ["instance", "events", "guest"],
      ["network", "show", "net"],
      ["network", "events", "net"],
      ["network", "instances", "net"],
      ["image", "list"],
      ["node", "list"],
    ]) {
      const { status, stdout, stderr } = client(...args);
      assert.equal(status, 0, `${args.join(" ")}: ${stdout}${stderr}`);
    }
  });

  it("DELETE /networks: refuses one in use", async () => {
    await assert.rejects(cloud.api.deleteNetwork(network.uuid), { status: 403, message: /in use/ });
  });

  it("a guest that powers off by itself: is noticed", async () => {
    execFileSync("virsh", ["shutdown", `sf:${instance.uuid}`]);
    await eventually("power state off", 30_000, async () => {
      const now = await cloud.api.getInstance(instance.uuid);
      return now?.power_state === "off" ? now : undefined;
    });
    const events = await cloud.api.listEvents("instances", instance.uuid);
    assert.ok(events.some(({ operation }) => operation === "detected poweroff"));
  });

  it("DELETE: takes instance and network away, and nothing is left", async () => {
    await cloud.api.deleteInstance(instance.uuid);
    assert.equal((await cloud.api.getInstance(instance.uuid))?.state, "deleted");
    assert.ok((await cloud.api.getConsoleData(instance.uuid, -1)).length > 0, "the console's log is kept");
    await cloud.api.deleteNetwork(network.uuid);
    const left = await takeInventory(cloud.store);
    assert.deepEqual(left, {
      domains: [],
      links: ["lo", "phy-br-uplink", "uplink"],
      namespaces: [],
      dnsmasq: [],
      qemu: 0,
      files: ["/srv/shakenfist/forwarding.json", "/srv/shakenfist/installation"],
      keys: [NOTHING_CLAIMED],
    });
  });
});
