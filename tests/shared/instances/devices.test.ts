import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { readConfig } from "../../../shared/config.ts";
import { isKind } from "../../../shared/errors.ts";
import { devicesOf } from "../../../shared/instances/devices.ts";
import { portRange } from "../../../shared/instances/ports.ts";
import type { DiskBase, DiskSpec, InstanceRecord } from "../../../shared/instances/record.ts";

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
