import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { readConfig } from "#shared/config.ts";
import { isKind } from "#shared/errors.ts";
import { devicesOf, requireIdeRoom } from "#shared/instances/devices.ts";
import { domainValues } from "#shared/instances/domain.ts";
import { portRange } from "#shared/instances/ports.ts";
import type { DiskBase, DiskSpec, InstanceRecord } from "#shared/instances/record.ts";

const disk = (more: Partial<DiskSpec> = {}): DiskSpec => ({
  size: 8,
  base: null,
  bus: null,
  type: "disk",
  ...more,
});
const iso: DiskBase = { path: "/cache/x.iso", format: "raw", kind: "iso", virtual_size_bytes: 1 };

function named(disk_spec: DiskSpec[], bases: (DiskBase | null)[] = [], config: Record<string, string> = {}) {
  const read = readConfig({ ...config }).config;
  return devicesOf(read, { uuid: "u", disk_spec } as InstanceRecord, bases).map(
    ({ device, bus, type, present_as }) => `${device} ${bus} ${type} ${present_as}`,
  );
}

describe("devices", () => {
  it("devicesOf: the config drive is second, letters go on behind it", () => {
    assert.deepEqual(named([disk(), disk(), disk({ bus: "scsi" })]), [
      "vda virtio qcow2 disk",
      "vdb virtio raw disk",
      "vdc virtio qcow2 disk",
      "sdd scsi qcow2 disk",
    ]);
  });

  it("devicesOf: the config drive takes the bus of the first disk", () => {
    assert.deepEqual(named([disk({ bus: "ide" })]), ["hda ide qcow2 disk", "hdb ide raw disk"]);
    assert.deepEqual(named([disk({ type: "cdrom" })]), ["hda ide qcow2 cdrom", "hdb ide raw disk"]);
    const usb = named([disk()], [], { SHAKENFIST_DISK_BUS: "usb" });
    assert.deepEqual(usb, ["sda usb qcow2 disk", "sdb usb raw disk"]);
  });

  it("devicesOf: an ISO is a CD-ROM, as it is, whatever was asked for", () => {
    assert.deepEqual(named([disk({ bus: "virtio" }), disk()], [null, iso]).at(-1), "hdc ide raw cdrom");
  });

  it("devicesOf: flat disks are raw in the domain too (fault 63)", () => {
    assert.equal(named([disk()], [], { SHAKENFIST_DISK_FORMAT: "flat" })[0], "vda virtio raw disk");
  });

  it("requireIdeRoom: ide and CD-ROMs have the first three places, whatever makes a disk one of ide (fault 51)", () => {
    const config = (bus: string) => readConfig({ SHAKENFIST_DISK_BUS: bus }).config;
    const four = (more: Partial<DiskSpec>) => [disk(), disk(), disk(), disk(more)];
    requireIdeRoom(config("virtio"), [disk({ bus: "ide" }), disk({ type: "cdrom" }), disk({ bus: "ide" })]);
    requireIdeRoom(config("ide"), [disk(), disk(), disk(), disk({ bus: "usb" })]);
    const words = "only the first three disks can be ide or cdrom";
    for (const more of [{ bus: "ide" }, { type: "cdrom" as const }])
      assert.throws(() => requireIdeRoom(config("virtio"), four(more)), {
        kind: "malformed",
        message: words,
      });
    for (const more of [{}, { bus: "" }])
      assert.throws(() => requireIdeRoom(config("ide"), four(more)), {
        kind: "malformed",
        message: `${words}: ide is the default bus, give it another`,
      });
  });

  it("domainValues: disks are started from before CD-ROMs, the config drive never; seven letters to a scsi controller", () => {
    const { config } = readConfig({});
    const valuesOf = (disk_spec: DiskSpec[], bases: (DiskBase | null)[] = []) => {
      const devices = devicesOf(config, { uuid: "u", disk_spec } as InstanceRecord, bases);
      const instance = {
        uuid: "u",
        block_devices: { devices, finalized: true },
        video: {},
      } as InstanceRecord;
      return domainValues(config, instance, []) as {
        disks: { boot_order: number }[];
        scsi_controllers: number[];
      };
    };
    const installer = valuesOf([disk(), disk()], [iso, null]);
    assert.deepEqual(
      installer.disks.map(({ boot_order }) => boot_order),
      [2, 0, 1],
    );
    const controllers = (count: number, bus: string) =>
      valuesOf(Array.from({ length: count }, () => disk({ bus }))).scsi_controllers;
    assert.deepEqual(controllers(3, "usb"), []);
    assert.deepEqual(controllers(6, "scsi"), [0]);
    assert.deepEqual(controllers(7, "scsi"), [0, 1]);
    assert.deepEqual(controllers(24, "scsi"), [0, 1, 2, 3]);
  });

  it("portRange: reads a range and refuses what is none", () => {
    assert.deepEqual(portRange("30000-32767"), [30_000, 32_767]);
    for (const bad of ["", "30000", "5-9", "40000-30000", "30000-99999", "30000-30000", "a-b"])
      assert.throws(
        () => portRange(bad),
        (error) => isKind(error, "malformed"),
        bad,
      );
  });
});
