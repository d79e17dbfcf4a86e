import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { probeKvm } from "../../deploy/kvm-probe.ts";
import { type TinyGuest, tinyGuest } from "../../deploy/tiny-guest/build.ts";

const directory = mkdtempSync(join(tmpdir(), "sf-tiny-"));
const cacheDir = join(directory, "cache");
const MAC = "52:54:00:12:34:56";
const UNSERVED_MAC = "52:54:00:12:34:57";
let guest: TinyGuest;

before(async () => {
  // What a builder that died would leave, and a build of other files.
  for (const left of [".tiny-guest-4194304", "tiny-guest-1-abc"])
    mkdirSync(join(cacheDir, left), { recursive: true });
  guest = await tinyGuest({ cacheDir });
});
after(() => rmSync(directory, { recursive: true }));

test("tinyGuest: a small bootable qcow2; leftovers of other builds go", () => {
  const info = JSON.parse(
    execFileSync("qemu-img", ["info", "--output=json", guest.image], { encoding: "utf8" }),
  );
  assert.equal(info.format, "qcow2");
  assert.equal(info["virtual-size"], 32 * 2 ** 20);
  assert.ok(statSync(guest.image).size < 24 * 2 ** 20);
  for (const left of [".tiny-guest-4194304", "tiny-guest-1-abc"])
    assert.equal(existsSync(join(cacheDir, left)), false);
});

test("tinyGuest: a second call answers from the cache", async () => {
  const before = statSync(guest.image);
  assert.deepEqual(await tinyGuest({ cacheDir, say: () => assert.fail("it builds again") }), guest);
  assert.equal(statSync(guest.image).ino, before.ino);
});

test("probeKvm: no device is qemu; what booting showed is remembered", async () => {
  assert.equal(await probeKvm(guest, cacheDir, "/dev/no-kvm"), "qemu");
  const type = await probeKvm(guest, cacheDir, "/dev/null");
  const memo = join(cacheDir, "virt-type.json");
  assert.equal(JSON.parse(readFileSync(memo, "utf8")).type, type);
  const other = type === "kvm" ? "qemu" : "kvm";
  writeFileSync(memo, readFileSync(memo, "utf8").replace(`"${type}"`, `"${other}"`));
  assert.equal(await probeKvm(guest, cacheDir, "/dev/null"), other);
});

for (const bus of ["virtio", "ide"]) {
  describe(`tiny guest with disks on ${bus}`, () => {
    let machine: Machine;
    before(async () => {
      machine = await boot(bus);
    });
    after(() => machine.kill());

    test("boot: shows a login prompt with the instance's name, after more than 11000 bytes of console", async () => {
      await machine.see(/fred login: $/, 60_000);
      assert.ok(machine.console().length > 11_000, `${machine.console().length} bytes`);
    });

    test("boot: gives links their addresses, by DHCP or else from the config drive, and runs user data", async () => {
      assert.match(machine.console(), /eth0 +inet 10\.0\.2\.15\/24/);
      assert.match(machine.console(), /eth1 +inet 10\.9\.0\.7\/24/);
      assert.match(machine.console(), /user data: fred, mtu 1442, default via 10\.0\.2\.2 dev eth0/);
    });

    test("console: root logs in without a password and talks to a shell", async () => {
      machine.type("root\n");
      await machine.see(/\/root # /);
      machine.type("echo $((6 * 7)) answers\n");
      await machine.see(/42 answers/);
    });

    test("power button: the guest powers off by itself", async () => {
      await machine.pressPowerButton();
      await machine.ended();
    });
  });
}

interface Machine {
  console(): string;
  type(text: string): void;
  see(pattern: RegExp, withinMs?: number): Promise<void>;
  pressPowerButton(): Promise<void>;
  ended(): Promise<void>;
  kill(): void;
}

/** A guest with a NIC that DHCP serves and one that it does not. Its only outside is QEMU. */
async function boot(bus: string): Promise<Machine> {
  const monitor = join(directory, `${bus}.monitor`);
  const disk = `format=qcow2,snapshot=on,if=${bus},file=${guest.image}`;
  const args = ["-accel", "tcg", "-m", "192", "-nodefaults", "-display", "none", "-serial", "stdio"];
  args.push("-monitor", `unix:${monitor},server,nowait`);
  args.push(
    "-drive",
    disk,
    "-drive",
    `format=raw,readonly=${bus === "virtio" ? "on" : "off"},if=${bus},file=${configDrive()}`,
  );
  args.push("-netdev", "user,id=served", "-device", `virtio-net-pci,netdev=served,mac=${MAC}`);
  args.push(
    "-netdev",
    "socket,id=alone,listen=127.0.0.1:0",
    "-device",
    `virtio-net-pci,netdev=alone,mac=${UNSERVED_MAC}`,
  );
  const qemu = spawn("qemu-system-x86_64", args, { stdio: ["pipe", "pipe", "inherit"] });
  const exit = once(qemu, "exit");
  return {
    ...watch(qemu),
    kill: () => qemu.kill("SIGKILL"),
    pressPowerButton,
    ended: () => within(exit, 20_000, "still on"),
  };

  async function pressPowerButton(): Promise<void> {
    const socket = connect(monitor);
    await once(socket, "data");
    socket.end("system_powerdown\n");
  }
}

function watch(qemu: ChildProcess): Pick<Machine, "console" | "type" | "see"> {
  let text = "";
  qemu.stdout?.on("data", (chunk) => {
    text += chunk;
  });
  return {
    console: () => text,
    type: (line) => qemu.stdin?.write(line),
    async see(pattern, withinMs = 15_000) {
      const seen = async () => {
        while (!pattern.test(text)) await once(qemu.stdout ?? assert.fail(), "data");
      };
      await within(seen(), withinMs, `not seen: ${pattern}`, () => text.slice(-2000));
    },
  };
}

async function within<T>(
  promise: Promise<T>,
  ms: number,
  complaint: string,
  detail = () => "",
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${complaint} after ${ms} ms\n${detail()}`)), ms);
  });
  await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function configDrive(): string {
  const tree = join(directory, "config/openstack/latest");
  mkdirSync(tree, { recursive: true });
  const links = [
    { ethernet_mac_address: MAC, id: "eth0", mtu: 1442, name: "eth0", type: "vif" },
    { ethernet_mac_address: UNSERVED_MAC.toUpperCase(), id: "eth1", mtu: 1450, name: "eth1", type: "vif" },
  ];
  const routes = [{ network: "0.0.0.0", netmask: "0.0.0.0", gateway: "10.9.0.1" }];
  const network = {
    id: "n",
    link: "eth1",
    type: "ipv4",
    ip_address: "10.9.0.7",
    netmask: "255.255.255.0",
    routes,
  };
  writeFileSync(
    join(tree, "meta_data.json"),
    JSON.stringify({ uuid: "u", name: "fred", hostname: "fred.local" }),
  );
  writeFileSync(
    join(tree, "network_data.json"),
    JSON.stringify({ links, networks: [network], services: [] }),
  );
  const words = "$(hostname), mtu $(cat /sys/class/net/eth0/mtu), $(ip route | grep default)";
  writeFileSync(join(tree, "user_data"), `#!/bin/sh\necho "user data: ${words}"\n`);
  const iso = join(directory, "config.iso");
  execFileSync("genisoimage", ["-quiet", "-J", "-R", "-V", "config-2", "-o", iso, join(directory, "config")]);
  return iso;
}
