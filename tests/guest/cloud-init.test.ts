// A real cloud-init, Debian's own in a Debian guest, reads the config drives of this cloud. Slow: `npm run test:guest`.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Instance, InstanceRequest, Network } from "#shared/api/types.ts";
import { guestImage } from "../../deploy/guest-image/build.ts";
import { serveImage } from "../../deploy/serve-image.ts";
import { startCloud, type TestCloud } from "../support/cloud.ts";
import { NOTHING_CLAIMED, takeInventory } from "../support/inventory.ts";
import { enterSandbox } from "../support/sandbox.ts";
import {
  base64,
  CLOUD_CONFIG,
  compressedArchive,
  consoleOf,
  factsOf,
  type Key,
  logInto,
  makeKey,
  type Shell,
  sha256,
  TELLING_SCRIPT,
  TEXT,
} from "./guests.ts";

// Before the sandbox is entered, which has no way to Debian's archive; inside it is there already.
const IMAGE = await guestImage({ say: console.error });
enterSandbox(import.meta.url);

const DISK_GB = 3;
// Nobody's, so that no default of the guest can pass for it.
const DNS = "192.0.2.53";
const ARCHIVE = compressedArchive([
  { type: "text/cloud-config", text: CLOUD_CONFIG },
  { type: "text/x-shellscript", text: TELLING_SCRIPT },
]);

describe("cloud-init in a Debian guest", () => {
  const directory = mkdtempSync(join(tmpdir(), "sf-guest-"));
  const arrived: { guest: string; what: string; arrived: string }[] = [];
  const guests = new Map<string, Instance>();
  let cloud: TestCloud;
  let server: Server;
  let imageUrl: string;
  let keys: readonly [Key, Key];
  let first: Network;
  let second: Network;

  before(async () => {
    cloud = await startCloud({ SHAKENFIST_DNS_SERVER: DNS });
    ({ server, url: imageUrl } = await serveImage(IMAGE, 0));
    keys = [makeKey(directory, "first"), makeKey(directory, "second")];
    const plan = { provide_dhcp: true, provide_nat: true };
    first = await cloud.api.createNetwork({ ...plan, name: "first", netblock: "10.0.0.0/24" });
    second = await cloud.api.createNetwork({ ...plan, name: "second", netblock: "10.1.0.0/16" });
  });
  after(async () => {
    console.table(arrived);
    server?.close();
    server?.closeAllConnections();
    await cloud?.stop();
    rmSync(directory, { recursive: true });
  });

  async function create(request: Partial<InstanceRequest> & { name: string }): Promise<void> {
    const disk = [{ size: DISK_GB, base: imageUrl }];
    guests.set(request.name, await cloud.api.createInstance({ cpus: 1, memory: 1024, disk, ...request }));
  }

  const guest = (name: string): Instance => guests.get(name) ?? assert.fail(`${name} was not made`);

  function check(name: string, what: string, actual: string | undefined, expected: string): void {
    assert.equal(actual, expected, `${name}: ${what}`);
    arrived.push({ guest: name, what, arrived: expected });
  }

  it("POST /instances: answers guests with a config, a script and a compressed archive as user data", async () => {
    await create({
      name: "config",
      ssh_key: keys.map(({ public_key }) => public_key).join(""),
      user_data: base64(CLOUD_CONFIG),
      network: [
        { network_uuid: first.uuid, address: "10.0.0.9" },
        { network_uuid: second.uuid, address: "10.1.2.3" },
      ],
    });
    await create({
      name: "script",
      user_data: base64(TELLING_SCRIPT),
      network: [
        { network_uuid: first.uuid, address: "10.0.0.20" },
        { network_uuid: first.uuid, address: "10.0.0.21" },
      ],
    });
    await create({ name: "archive", user_data: base64(ARCHIVE), network: [] });
  });

  describe("a #cloud-config, ssh keys and two networks", () => {
    let shell: Shell;
    const arrives = (what: string, command: string, expected: string) =>
      check("config", what, shell(command), expected);

    it("ssh keys: each lets its owner in, on either network, to the host key that the console showed", async () => {
      const [one, other] = keys;
      shell = await logInto(cloud.api, guest("config"), { network: first, address: "10.0.0.9", key: one });
      const at = { network: second, address: "10.1.2.3", key: other };
      const otherShell = await logInto(cloud.api, guest("config"), at);
      arrives("first ssh key", "whoami", "debian");
      check("config", "second ssh key", otherShell("whoami"), "debian");
    });

    it("cloud-init: is done, without error or warning, and names the config drive", async () => {
      shell("cloud-init status --wait");
      arrives("status", "cloud-init status", "status: done");
      const { v1 } = JSON.parse(shell("cat /run/cloud-init/result.json"));
      check("config", "data source", v1.datasource.split(" ")[0], "DataSourceConfigDrive");
      check("config", "errors", JSON.stringify(v1.errors), "[]");
      arrives("warnings", "sudo grep -E 'WARNING|ERROR|Traceback' /var/log/cloud-init.log || true", "");
    });

    it("names: are the instance's", () => {
      arrives("hostname", "hostname", "config");
      arrives("full name", "hostname -f", "config.local");
      arrives("instance id", "cat /var/lib/cloud/data/instance-id", guest("config").uuid);
    });

    it("user data: is what was sent, and ran", async () => {
      const raw = "sudo sha256sum /var/lib/cloud/instance/user-data.txt | cut -d ' ' -f 1";
      arrives("user data", raw, sha256(CLOUD_CONFIG));
      arrives("file of it", "cat /srv/from-user-data", TEXT);
      const words = /^user data ran on .*?(?=\r*$)/m.exec(await consoleOf(cloud.api, guest("config")))?.[0];
      check("config", "words of it", words, "user data ran on config");
    });

    it("interfaces: have their addresses, MACs, MTU and name server, the first alone a default route", async () => {
      arrives("address of eth0", "ip -o -4 address show eth0 | awk '{ print $4 }'", "10.0.0.9/24");
      arrives("address of eth1", "ip -o -4 address show eth1 | awk '{ print $4 }'", "10.1.2.3/16");
      const nics = await cloud.api.listInterfaces("instances", guest("config").uuid);
      for (const { order, macaddr } of nics) {
        arrives(`MAC of eth${order}`, `cat /sys/class/net/eth${order}/address`, macaddr.toLowerCase());
        arrives(`MTU of eth${order}`, `cat /sys/class/net/eth${order}/mtu`, "1450");
      }
      arrives(
        "default route",
        "ip -4 route show default | cut -d ' ' -f 1-5",
        "default via 10.0.0.1 dev eth0",
      );
      const resolver = "/run/systemd/resolve/resolv.conf";
      arrives("name servers", `awk '/^nameserver/ { print $2 }' ${resolver} | sort -u`, DNS);
    });

    it("the root disk: has grown to the size that was asked for", () => {
      const size = "test $(df --output=size -B 1M / | tail -n 1) -gt 2700 && echo grown";
      arrives("root disk", size, "grown");
    });
  });

  for (const { name, file, addresses, route, user_data } of [
    {
      name: "script",
      file: "",
      addresses: "eth0 10.0.0.20/24 eth1 10.0.0.21/24",
      route: "10.0.0.1 eth0",
      user_data: TELLING_SCRIPT,
    },
    { name: "archive", file: TEXT, addresses: "", route: "", user_data: ARCHIVE },
  ]) {
    it(`a guest with ${name}, no ssh key, and ${addresses === "" ? "no interface" : "two interfaces on one network"}: has all of it`, async () => {
      const facts = await factsOf(cloud.api, guest(name));
      check(name, "hostname", facts.hostname, name);
      check(name, "full name", facts.fqdn, `${name}.local`);
      check(name, "user data", facts["user-data"], sha256(user_data));
      check(name, "file of it", facts.file, file);
      check(name, "addresses", facts.addresses, addresses);
      check(name, "default route", facts.route, route);
      check(name, "ssh keys", facts.keys, "0");
      check(name, "status", /^status: \w+/.exec(facts.status ?? "")?.[0], "status: done");
      check(name, "data source", /DataSource\w+/.exec(facts.status ?? "")?.[0], "DataSourceConfigDrive");
      check(name, "warnings", facts.warnings, "");
    });
  }

  it("DELETE: takes guests and networks away, and nothing is left", async () => {
    for (const { uuid } of guests.values()) await cloud.api.deleteInstance(uuid);
    for (const { uuid } of [first, second]) await cloud.api.deleteNetwork(uuid);
    const { domains, qemu, namespaces, keys: claims } = await takeInventory(cloud.store);
    assert.deepEqual({ domains, qemu, namespaces }, { domains: [], qemu: 0, namespaces: [] });
    assert.ok(claims.includes(NOTHING_CLAIMED), claims.join("\n"));
  });
});
