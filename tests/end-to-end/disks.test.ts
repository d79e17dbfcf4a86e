// What is asked for of disks, cards and video is what a real guest finds, for each bus and each DISK_FORMAT.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import type { Instance, Network } from "#shared/api/types.ts";
import { serveImage } from "../../deploy/serve-image.ts";
import { eventually } from "../support/await.ts";
import { startCloud, type TestCloud } from "../support/cloud.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const run = promisify(execFile);
const BOOT_MS = 180_000;
const FILES = "/srv/shakenfist/of-the-test";
/** 512-byte sectors. */
const GIB = 2 ** 21;
const MARK = "written by the first guest";
/** Where no file system of the image is. */
const BLOCK = 200_000;

const encoded = (script: string): string => Buffer.from(`#!/bin/sh\n${script}\n`).toString("base64");

/** Drivers go on loading after user data has begun: `until` is what must be there first. */
const tell = (until: string): string =>
  encoded(`turns=0
until ${until} || [ $turns -eq 300 ]; do sleep 0.2; turns=$((turns + 1)); done
for disk in /sys/block/*; do echo "fact disk $(basename $disk) $(cat $disk/size) end"; done
for card in /sys/class/net/eth*; do echo "fact card $(cat $card/address) end"; done
for device in /sys/bus/pci/devices/*; do echo "fact pci $(cat $device/vendor) $(cat $device/device) end"; done
echo "fact iso $(head -c 32774 /dev/sr0 2>/dev/null | tail -c 5) end"
echo "facts are told"`);

describe("disks, cards and video of real guests", () => {
  let cloud: TestCloud;
  let network: Network;
  const servers: Server[] = [];
  let iso: string;
  let large: string;

  before(async () => {
    cloud = await startCloud();
    network = await cloud.api.createNetwork({
      ...{ name: "net", netblock: "10.0.0.0/24" },
      ...{ provide_dhcp: false, provide_nat: false },
    });
    await mkdir(`${FILES}/tree`, { recursive: true });
    await writeFile(`${FILES}/tree/hello`, "hello");
    await run("genisoimage", ["-quiet", "-o", `${FILES}/small.iso`, `${FILES}/tree`]);
    await run("qemu-img", ["create", "-q", "-f", "qcow2", `${FILES}/large.qcow2`, "2G"]);
    iso = await serve(`${FILES}/small.iso`);
    large = await serve(`${FILES}/large.qcow2`);
  });
  after(async () => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    await cloud?.stop();
  });

  async function serve(file: string): Promise<string> {
    const { url, server } = await serveImage(file, 0);
    servers.push(server);
    return url;
  }

  const make = (more: object) =>
    cloud.api.createInstance({
      ...{ name: "guest", cpus: 1, memory: 160, disk: [{ size: 8, base: cloud.imageUrl }] },
      ...more,
    });
  const remove = ({ uuid }: Instance) => cloud.api.deleteInstance(uuid);

  async function said(guest: Instance, words: RegExp): Promise<string> {
    return eventually(`console of ${guest.name}: ${words}`, BOOT_MS, async () => {
      const text = String(await cloud.api.getConsoleData(guest.uuid, -1));
      return words.test(text) ? text : undefined;
    });
  }

  async function factsOf(guest: Instance): Promise<string[]> {
    const text = await said(guest, /facts are told/);
    return [...text.matchAll(/fact (.*) end/g)].map(([, fact]) => fact ?? "");
  }

  const devicesOf = ({ block_devices }: Instance) =>
    (block_devices?.devices ?? []).map(({ device, bus, type, present_as }) =>
      [device, bus, type, present_as].join(" "),
    );
  const definition = async ({ uuid }: Instance) => (await run("virsh", ["dumpxml", uuid])).stdout;
  const pathOf = ({ uuid }: Instance, disk: string) => `/srv/shakenfist/instances/${uuid}/${disk}`;

  interface Info {
    format: string;
    "virtual-size": number;
    "backing-filename"?: string;
  }
  const infoOf = async (guest: Instance, disk: string): Promise<Info> =>
    JSON.parse((await run("qemu-img", ["info", "-U", "--output=json", pathOf(guest, disk)])).stdout);

  describe("a guest with a disk on every bus, a CD-ROM, two cards and a video card of its own", () => {
    let guest: Instance;
    let facts: string[];
    before(async () => {
      guest = await make({
        disk: [
          { size: 8, base: cloud.imageUrl, bus: "virtio", type: "disk" },
          { size: 2, bus: "ide" },
          { base: iso, bus: "virtio" },
          { size: 3, bus: "scsi" },
          { size: 4, bus: "usb" },
          { size: 5 },
        ],
        network: [
          {
            network_uuid: network.uuid,
            address: "10.0.0.77",
            macaddress: "02:00:00:AB:cd:01",
            model: "vmxnet3",
          },
          { network_uuid: network.uuid, model: "e1000" },
        ],
        video: { model: "vga", memory: 8192 },
        user_data: tell("[ -e /dev/sr0 ] && [ -e /dev/sdb ]"),
      });
      facts = await factsOf(guest);
    });
    after(() => remove(guest));

    const sectors = (name: RegExp) =>
      facts
        .map((fact) => fact.split(" "))
        .filter(([kind, disk]) => kind === "disk" && name.test(disk ?? ""))
        .map(([, , size]) => Number(size));

    it("GET /instances/{instance_ref}: letters go by position, the config drive is second, an ISO is a CD-ROM on ide", () =>
      assert.deepEqual(devicesOf(guest), [
        "vda virtio qcow2 disk",
        "vdb virtio raw disk",
        "hdc ide qcow2 disk",
        "hdd ide raw cdrom",
        "sde scsi qcow2 disk",
        "sdf usb qcow2 disk",
        "vdg virtio qcow2 disk",
      ]));

    it("the guest: finds disks of the sizes that were asked for, and reads the ISO", () => {
      assert.deepEqual([sectors(/^vda$/), sectors(/^vdc$/)], [[8 * GIB], [5 * GIB]]);
      const others = sectors(/^sd/);
      assert.ok(others.includes(2 * GIB) && others.includes(3 * GIB), facts.join("\n"));
      assert.equal(sectors(/^sr0$/).length, 1);
      assert.ok(facts.includes("iso CD001"), facts.join("\n"));
    });

    it("the guest: finds its cards in order, its MAC, and the video card", async () => {
      assert.ok(facts.includes("card 02:00:00:ab:cd:01"), facts.join("\n"));
      for (const id of ["0x15ad 0x07b0", "0x8086 0x100e", "0x1234 0x1111", "0x1af4 0x1004"])
        assert.ok(facts.includes(`pci ${id}`), `${id} in\n${facts.join("\n")}`);
      const [first] = await cloud.api.listInterfaces("instances", guest.uuid);
      assert.deepEqual(
        [first?.ipv4, first?.macaddr, first?.model],
        ["10.0.0.77", "02:00:00:AB:cd:01", "vmxnet3"],
      );
      assert.match(await definition(guest), /<model type='vga' vram='8192'/);
    });

    it("the domain: has the disk on usb, for which this guest has no driver; disks are started from before CD-ROMs", async () => {
      const xml = await definition(guest);
      const orders = [...xml.matchAll(/<target dev='(\w+)' bus='(\w+)'[\s\S]*?<\/disk>/g)].map(
        ([text, device, bus]) => `${device} ${bus} ${/<boot order='(\d)'/.exec(text)?.[1] ?? "-"}`,
      );
      assert.deepEqual(orders.sort(), [
        ...[
          "hdc ide 2",
          "hdd ide 6",
          "sde scsi 3",
          "sdf usb 4",
          "vda virtio 1",
          "vdb virtio -",
          "vdg virtio 5",
        ],
      ]);
    });

    it("GET /instances/{instance_ref}: snapshots leave out the CD-ROM and the config drive", () => {
      const left_out = (guest.block_devices?.devices ?? []).filter((each) => each.snapshot_ignores);
      assert.deepEqual(
        left_out.map(({ device }) => device),
        ["vdb", "hdd"],
      );
    });
  });

  it("more disks on scsi than one controller has: the guest starts from the first, has its config drive, finds all", async () => {
    const others = Array.from({ length: 16 }, () => ({ size: 1, bus: "scsi" }));
    const guest = await make({
      disk: [{ size: 8, base: cloud.imageUrl, bus: "scsi" }, ...others],
      user_data: tell("[ $(ls -d /sys/block/sd* | wc -l) -eq 18 ]"),
    });
    assert.equal(guest.error_message, null);
    const disks = (await factsOf(guest)).filter((fact) => fact.startsWith("disk sd"));
    assert.equal(disks.length, 18, disks.join("\n"));
    assert.equal(disks.filter((fact) => fact.endsWith(` ${GIB}`)).length, 16);
    assert.deepEqual(devicesOf(guest).slice(-1), ["sdr scsi qcow2 disk"]);
    await remove(guest);
  });

  it("24 disks on virtio, and on usb: the guest starts", async () => {
    for (const bus of ["virtio", "usb"]) {
      const guest = await make({ disk: Array.from({ length: 24 }, () => ({ size: 1, bus })) });
      assert.deepEqual([guest.state, guest.error_message], ["created", null], bus);
      await remove(guest);
    }
  });

  it("several guests of one image: what one writes no other sees, and the image stays as it is", async () => {
    const write = `printf '%s' '${MARK}' | dd of=/dev/vda bs=4096 seek=${BLOCK} conv=notrunc 2>/dev/null; sync; echo "it is written"`;
    const read = `dd if=/dev/vda bs=4096 skip=${BLOCK} count=1 2>/dev/null | grep -q written && echo "it is seen" || echo "it is not seen"`;
    const first = await make({ name: "first", user_data: encoded(`${write}\n${read}`) });
    await said(first, /it is written\s+it is seen/);
    const base = (await infoOf(first, "vda"))["backing-filename"] ?? assert.fail("no backing file");
    const before = await hashOf(base);
    const second = await make({ name: "second", user_data: encoded(read) });
    await said(second, /it is not seen/);
    assert.equal((await infoOf(second, "vda"))["backing-filename"], base);
    assert.equal(await hashOf(base), before);
    await Promise.all([first, second].map(remove));
  });

  it("a disk smaller than its image, one whose image is not what its checksum says: an error with the reason", async () => {
    const small = await make({ disk: [{ size: 1, base: large }] });
    assert.equal(small.state, "error");
    assert.match(small.error_message ?? "", /disk of 1 GiB: its image needs 2 GiB/);
    const as_large = await make({ disk: [{ base: large }] });
    assert.equal(as_large.error_message, null);
    assert.equal((await infoOf(as_large, "vda"))["virtual-size"], 2 * 2 ** 30);
    const wrong = await make({ disk: [{ base: large, checksum: `sha256:${"0".repeat(64)}` }] });
    assert.equal(wrong.state, "error");
    assert.match(wrong.error_message ?? "", /checksum|sha256/i);
    const checksum = `sha256:${await hashOf(`${FILES}/large.qcow2`)}`;
    const right = await make({ disk: [{ base: large, checksum }] });
    assert.equal(right.error_message, null);
    await Promise.all([small, as_large, wrong, right].map(remove));
  });

  for (const [format, type] of [
    ["qcow_flat", "qcow2"],
    ["flat", "raw"],
  ] as const)
    it(`DISK_FORMAT=${format}: disks are ${type} files without a base, blank ones too, and the guest starts from its`, async () => {
      await cloud.stopNode();
      await cloud.startNode({ SHAKENFIST_DISK_FORMAT: format });
      const disk = [{ size: 8, base: cloud.imageUrl }, { size: 2 }];
      const guest = await make({ disk, user_data: tell("[ -e /dev/vdc ]") });
      assert.deepEqual(devicesOf(guest), [
        `vda virtio ${type} disk`,
        "vdb virtio raw disk",
        `vdc virtio ${type} disk`,
      ]);
      for (const [name, gib] of [
        ["vda", 8],
        ["vdc", 2],
      ] as const) {
        const info = await infoOf(guest, name);
        assert.deepEqual(
          [info.format, info["virtual-size"], info["backing-filename"]],
          [type, gib * 2 ** 30, undefined],
        );
      }
      const facts = await factsOf(guest);
      assert.ok(
        facts.includes(`disk vda ${8 * GIB}`) && facts.includes(`disk vdc ${2 * GIB}`),
        facts.join("\n"),
      );
      await remove(guest);
    });
});

const hashOf = async (file: string): Promise<string> =>
  createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
