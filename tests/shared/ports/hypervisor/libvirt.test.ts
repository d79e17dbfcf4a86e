// The port on a real libvirtd: the contract, and what only a real one can do to it.
import { enterSandbox } from "../../../support/sandbox.ts";

enterSandbox(import.meta.url);

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { systemClock } from "#shared/clock.ts";
import { isKind } from "#shared/errors.ts";
import { silentLog } from "#shared/log.ts";
import type { Hypervisor } from "#shared/ports/hypervisor/hypervisor.ts";
import { openLibvirt } from "#shared/ports/hypervisor/libvirt.ts";
import { type Libvirtd, startLibvirtd } from "../../../support/libvirtd.ts";
import { hypervisorContract, nextPower, nextReturn } from "./contract.ts";
import { guestValues, makeGuest, renderGuest } from "./guest.ts";

const timeout = 30_000;
const libvirtd: Libvirtd = await startLibvirtd();

function openHypervisor(deadlines: { read_ms?: number; act_ms?: number } = {}): Hypervisor {
  return openLibvirt({ uri: libvirtd.uri, clock: systemClock, log: silentLog, ...deadlines });
}

function virsh(...args: string[]): string {
  return execFileSync("virsh", ["-q", "-c", libvirtd.uri, ...args], { encoding: "utf8" });
}

function pidOf(uuid: string): number {
  return Number(readFileSync(`/run/libvirt/qemu/sf:${uuid}.pid`, "utf8"));
}

/** The process with the binding: the one child of this process that is Node. */
function pidOfAsker(): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ");
  const found = children.find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("libvirt-child"),
  );
  return Number(found);
}

hypervisorContract("libvirt", async () => {
  const hypervisor = openHypervisor();
  return {
    hypervisor,
    makeDefinition: async (uuid) => makeGuest(uuid),
    async addForeign(uuid) {
      const file = "/srv/shakenfist/foreign.xml";
      writeFileSync(file, makeGuest(uuid).replace("<name>sf:", "<name>foreign-"));
      virsh("define", file);
    },
    async crash(uuid) {
      process.kill(pidOf(uuid), "SIGKILL");
    },
    goAway: () => libvirtd.kill(),
    comeBack: () => libvirtd.start(),
    close: () => hypervisor.close(),
  };
});

after(() => libvirtd.stop());

describe("libvirt: on a libvirtd of its own", () => {
  let hypervisor: Hypervisor;
  before(() => {
    hypervisor = openHypervisor();
  });
  after(() => hypervisor.close());

  async function startGuest(changes = {}): Promise<string> {
    const uuid = randomUUID();
    await hypervisor.define(makeGuest(uuid, changes));
    await hypervisor.start(uuid);
    return uuid;
  }

  async function removeGuest(uuid: string): Promise<void> {
    await hypervisor.powerOff(uuid);
    await hypervisor.undefine(uuid);
  }

  test("start: a missing disk is refused in libvirt's words, and the domain stays off", {
    timeout,
  }, async () => {
    const uuid = randomUUID();
    await hypervisor.define(makeGuest(uuid));
    rmSync(`/srv/shakenfist/instances/${uuid}/vda`);
    await assert.rejects(
      hypervisor.start(uuid),
      (error) => isKind(error, "internal") && /Cannot access storage file .*No such file/.test(error.message),
    );
    assert.deepEqual(await hypervisor.getDomain(uuid), { uuid, power: "off" });
    await hypervisor.undefine(uuid);
  });

  test("start: every bus and NIC model of the API, a CD-ROM and a tap on a bridge", { timeout }, async () => {
    execFileSync("ip", ["link", "add", "br-test", "type", "bridge"]);
    execFileSync("ip", ["link", "set", "br-test", "up"]);
    const uuid = randomUUID();
    const path = (device: string) => `/srv/shakenfist/instances/${uuid}/${device}`;
    const disk = (device: string, bus: string, format = "qcow2", present_as = "disk") => {
      return { path: path(device), format, device, bus, present_as };
    };
    const nic = (model: string, index: number) => {
      return { macaddr: `02:00:00:00:00:0${index}`, bridge: "br-test", model, tap: `tap-${index}` };
    };
    const disks = [
      disk("vda", "virtio"),
      disk("sdb", "scsi"),
      disk("sdc", "usb", "raw"),
      disk("hdd", "ide", "raw", "cdrom"),
    ];
    const interfaces = ["virtio", "e1000", "rtl8139"].map(nic);
    await hypervisor.define(makeGuest(uuid, { disks, interfaces }));
    await hypervisor.start(uuid);
    assert.match(
      execFileSync("ip", ["-br", "link", "show", "master", "br-test"], { encoding: "utf8" }),
      /tap-1/,
    );
    await removeGuest(uuid);
  });

  test("start: the serial console answers and is kept in its log", { timeout }, async () => {
    const uuid = randomUUID();
    const values = guestValues(uuid);
    await hypervisor.define(makeGuest(uuid, values));
    await hypervisor.start(uuid);
    const socket = connect(values.console.port, values.console.address);
    await once(socket, "data");
    socket.destroy();
    assert.ok(existsSync(values.console.log_path));
    await removeGuest(uuid);
  });

  test("define: no value can bring an element of its own (fault 2)", { timeout }, async () => {
    const evil = "virtio'/><source dev='/dev/sda'/><target dev='vdz'/><a b='&<>\"";
    const nic = { macaddr: "02:00:00:00:00:01", bridge: "br", model: "virtio", tap: "tap-x" };
    const values = guestValues(randomUUID());
    const [disk] = values.disks;
    assert.ok(disk !== undefined);
    const attempts = [
      { instance_name: evil },
      { disks: [{ ...disk, bus: evil }] },
      { disks: [{ ...disk, device: evil }] },
      { disks: [{ ...disk, present_as: evil }] },
      { disks: [{ ...disk, path: evil }] },
      { interfaces: [{ ...nic, model: evil }] },
      { interfaces: [{ ...nic, macaddr: evil }] },
      { video: { model: evil, memory: 1024 } },
    ];
    for (const attempt of attempts) {
      const uuid = randomUUID();
      const xml = renderGuest({ ...values, uuid, name: `sf:${uuid}`, ...attempt });
      const defined = await hypervisor.define(xml).then(
        () => virsh("dumpxml", uuid),
        () => "",
      );
      assert.doesNotMatch(defined, /<[^>]*dev='(vdz|\/dev\/sda)'/, JSON.stringify(attempt));
      await hypervisor.undefine(uuid);
    }
  });

  test("a guest that died while nobody listened: is read as crashed, one that was put off as off", {
    timeout,
  }, async () => {
    const [died, off] = [await startGuest(), await startGuest()];
    const gone = nextPower(hypervisor, died, "crashed");
    process.kill(pidOf(died), "SIGKILL");
    await gone;
    await hypervisor.powerOff(off);
    const other = openHypervisor();
    assert.deepEqual(
      (await other.listDomains()).sort((one, two) => one.power.localeCompare(two.power)),
      [
        { uuid: died, power: "crashed" },
        { uuid: off, power: "off" },
      ],
    );
    assert.equal((await other.getDomain(died))?.power, "crashed");
    await other.close();
    await Promise.all([died, off].map(removeGuest));
  });

  test("undefine: a domain with a saved state goes, with it", { timeout }, async () => {
    const uuid = await startGuest();
    virsh("managedsave", uuid);
    assert.deepEqual(await hypervisor.getDomain(uuid), { uuid, power: "off" });
    await hypervisor.undefine(uuid);
    assert.equal(await hypervisor.getDomain(uuid), undefined);
  });

  test("eight starts at once: all run, and reads are answered meanwhile", { timeout }, async () => {
    const uuids = Array.from({ length: 8 }, () => randomUUID());
    for (const uuid of uuids) await hypervisor.define(makeGuest(uuid));
    const starts = Promise.all(uuids.map((uuid) => hypervisor.start(uuid)));
    let reads = 0;
    let started = false;
    void starts.finally(() => {
      started = true;
    });
    while (!started) {
      await hypervisor.listDomains();
      reads += 1;
    }
    await starts;
    assert.ok(reads > 8, `${reads} reads`);
    const running = (await hypervisor.listDomains()).filter((domain) => domain.power === "on");
    assert.equal(running.length, 8);
    await Promise.all(uuids.map(removeGuest));
  });

  test("libvirtd killed and started: guests live on, all works within 2 s, changes are told", {
    timeout,
  }, async () => {
    const uuid = await startGuest();
    const pid = pidOf(uuid);
    await libvirtd.kill();
    await assert.rejects(hypervisor.listDomains(), (error) => isKind(error, "unavailable"));
    process.kill(pid, 0);
    const returned = nextReturn(hypervisor);
    await libvirtd.start();
    const began = performance.now();
    assert.deepEqual(await hypervisor.listDomains(), [{ uuid, power: "on" }]);
    await returned;
    assert.ok(performance.now() - began < 2_000, `${performance.now() - began} ms`);
    const paused = nextPower(hypervisor, uuid, "paused");
    virsh("suspend", uuid);
    await paused;
    await removeGuest(uuid);
  });

  test("libvirtd frozen: calls end at their deadline, and its thaw is told", { timeout }, async () => {
    const hasty = openHypervisor({ read_ms: 500, act_ms: 1_000 });
    const uuid = await startGuest();
    await hasty.listDomains();
    libvirtd.freeze();
    for (let round = 0; round < 3; round++) {
      const began = performance.now();
      const calls = [hasty.listDomains(), hasty.getDomain(uuid), hasty.pause(uuid), hasty.rebootHard(uuid)];
      for (const call of await Promise.allSettled(calls))
        assert.ok(call.status === "rejected" && isKind(call.reason, "unavailable"), JSON.stringify(call));
      assert.ok(performance.now() - began < 1_500, `${performance.now() - began} ms`);
    }
    const returned = nextReturn(hasty);
    libvirtd.thaw();
    const thawed = performance.now();
    await returned;
    assert.ok(performance.now() - thawed < 2_000, `${performance.now() - thawed} ms`);
    await hasty.unpause(uuid);
    const off = nextPower(hasty, uuid, "off");
    await hypervisor.powerOff(uuid);
    await off;
    await hypervisor.undefine(uuid);
    await hasty.close();
  });

  test("libvirtd frozen for 5 s: a start under way outlasts it, a read does not", { timeout }, async () => {
    const uuid = randomUUID();
    await hypervisor.define(makeGuest(uuid));
    libvirtd.freeze();
    const started = hypervisor.start(uuid);
    await assert.rejects(hypervisor.listDomains(), (error) => isKind(error, "unavailable"));
    libvirtd.thaw();
    await started;
    assert.deepEqual(await hypervisor.getDomain(uuid), { uuid, power: "on" });
    await removeGuest(uuid);
  });

  test("the process that asks libvirt is killed: its calls say unavailable, the next one works", {
    timeout,
  }, async () => {
    const uuid = randomUUID();
    await hypervisor.define(makeGuest(uuid));
    const started = hypervisor.start(uuid);
    process.kill(pidOfAsker(), "SIGKILL");
    await assert.rejects(started, (error) => isKind(error, "unavailable"));
    await hypervisor.listDomains();
    await hypervisor.start(uuid);
    await removeGuest(uuid);
  });
});
