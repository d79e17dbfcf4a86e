import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  type ConfigDriveInput,
  type ConfigDriveInterface,
  configDriveFiles,
  makeConfigDrive,
} from "#shared/instances/config-drive.ts";
import { realExec } from "#shared/ports/exec/real.ts";

const network = { uuid: "1fd2ab2a-3f5c-4a2c-8f5d-4d8f7c1c0001", netblock: "192.168.242.0/24", mtu: 1450 };

function nic(order: number, ipv4: string, its = network): ConfigDriveInterface {
  return { uuid: `nic-${order}`, order, macaddr: `02:00:00:00:00:0${order}`, ipv4, network: its };
}

function inputOf(
  changes: Partial<ConfigDriveInput["instance"]>,
  ...interfaces: ConfigDriveInterface[]
): ConfigDriveInput {
  const instance = { uuid: "4f2a", name: "cloud-é", ssh_key: "ssh-rsa AAAA", user_data: null, ...changes };
  const random_seed = randomBytes(512).toString("base64");
  return { instance, interfaces, zone: "shaken", dns: "8.8.8.8", random_seed };
}

const parse = (input: ConfigDriveInput, name: string) =>
  JSON.parse(String(configDriveFiles(input).get(`/openstack/latest/${name}`)));

describe("config drive", () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "sf-drive-"));
  });
  after(() => rm(directory, { recursive: true }));

  it("meta_data.json: has what cloud-init looks for", () => {
    const input = inputOf({});
    assert.deepEqual(parse(input, "meta_data.json"), {
      random_seed: input.random_seed,
      uuid: "4f2a",
      name: "cloud-é",
      hostname: "cloud-é.local",
      availability_zone: "shaken",
      launch_index: 0,
      devices: [],
      project_id: null,
      public_keys: { mykey: "ssh-rsa AAAA" },
    });
    assert.deepEqual(parse(inputOf({ ssh_key: null }), "meta_data.json").public_keys, { mykey: null });
  });

  it("network_data.json: every interface has its address, the first alone a default route (fault 53)", () => {
    const other = { uuid: "other", netblock: "10.0.0.0/9", mtu: 8950 };
    const second = nic(1, "192.168.242.11");
    const data = parse(
      inputOf({}, nic(0, "192.168.242.10"), second, nic(2, "10.1.0.7", other)),
      "network_data.json",
    );
    assert.deepEqual(data.links[2], {
      ethernet_mac_address: "02:00:00:00:00:02",
      id: "eth2",
      name: "eth2",
      mtu: 8950,
      type: "vif",
      vif_id: "nic-2",
    });
    const route = { network: "0.0.0.0", netmask: "0.0.0.0", gateway: "192.168.242.1" };
    const ours = { id: network.uuid, network_id: network.uuid, type: "ipv4", netmask: "255.255.255.0" };
    const theirs = { id: "other", network_id: "other", type: "ipv4", netmask: "255.128.0.0" };
    assert.deepEqual(data.networks, [
      { ...ours, link: "eth0", ip_address: "192.168.242.10", routes: [route] },
      { ...ours, link: "eth1", ip_address: "192.168.242.11", routes: [] },
      { ...theirs, link: "eth2", ip_address: "10.1.0.7", routes: [] },
    ]);
    assert.deepEqual(data.services, [{ type: "dns", address: "8.8.8.8" }]);
  });

  it("network_data.json: no interfaces, empty lists", () => {
    const { links, networks } = parse(inputOf({}), "network_data.json");
    assert.deepEqual([links, networks], [[], []]);
  });

  it("meta_data.json: an ssh key is there as it came, also several, a line each", () => {
    const ssh_key = "ssh-rsa AAAA me@here\nssh-ed25519 BBBB\n";
    assert.deepEqual(parse(inputOf({ ssh_key }), "meta_data.json").public_keys, { mykey: ssh_key });
  });

  it("every file: is the same under both versions, vendor data are empty objects", () => {
    const files = configDriveFiles(inputOf({ user_data: "aGk=" }, nic(0, "192.168.242.10")));
    const latest = [...files].filter(([path]) => path.startsWith("/openstack/latest/"));
    assert.deepEqual(latest.map(([path]) => path.split("/").at(-1)).sort(), [
      "meta_data.json",
      "network_data.json",
      "user_data",
      "vendor_data.json",
      "vendor_data2.json",
    ]);
    assert.equal(files.size, 2 * latest.length);
    for (const [path, content] of latest)
      assert.deepEqual(files.get(path.replace("latest", "2017-02-22")), content, path);
    for (const name of ["vendor_data.json", "vendor_data2.json"])
      assert.equal(files.get(`/openstack/latest/${name}`), "{}");
  });

  it("user_data: decoded byte for byte, also from wrapped lines, and absent when empty", () => {
    const bytes = randomBytes(5000);
    const text = bytes.toString("base64");
    for (const user_data of [
      text,
      `${text.replaceAll(/.{76}/g, "$&\n")}\n`,
      ` ${text.replaceAll(/.{7}/g, "$&\r\n")}`,
    ]) {
      const files = configDriveFiles(inputOf({ user_data }));
      assert.deepEqual(files.get("/openstack/2017-02-22/user_data"), bytes);
    }
    for (const user_data of [null, ""])
      assert.equal(configDriveFiles(inputOf({ user_data })).has("/openstack/latest/user_data"), false);
  });

  it("makeConfigDrive: the ISO has the same tree in Rock Ridge and Joliet, twice the same when repeated (fault 52)", async () => {
    const files = configDriveFiles(inputOf({ user_data: "IyEvYmluL3NoCg==" }, nic(0, "192.168.242.10")));
    const iso = join(directory, "config.disk");
    for (let round = 0; round < 2; round++) await makeConfigDrive(realExec, files, iso);
    assert.deepEqual(await readdir(directory), ["config.disk"]);
    assert.equal((await stat(iso)).mode & 0o777, 0o600);
    for (const tree of ["-R", "-J"]) {
      const { stdout } = await realExec.run("isoinfo", ["-i", iso, tree, "-f"]);
      const found = stdout.split("\n").filter((line) => /\/openstack\/.*\//.test(line));
      assert.deepEqual(found.sort(), [...files.keys()].sort(), tree);
      for (const [path, content] of files) {
        const read = spawnSync("isoinfo", ["-i", iso, tree, "-x", path]);
        assert.deepEqual(read.stdout, Buffer.from(content), `${tree} ${path}`);
      }
    }
    const label = (await readFile(iso)).toString("latin1", 32808, 32840).trim();
    assert.equal(label, "config-2");
  });
});
