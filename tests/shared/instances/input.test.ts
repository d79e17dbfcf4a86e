import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { instanceInput } from "#shared/instances/input.ts";

const HEX = "a".repeat(64);

function errorsOf(more: Record<string, unknown>): string[] {
  const input = { name: "x", cpus: 1, memory: 64, disk: [{ size: 1 }], ...more };
  const { error } = instanceInput.safeParse(input);
  return (error?.issues ?? []).map(({ message }) => message);
}
const ofDisk = (disk: object): string[] => errorsOf({ disk: [disk] });
const ofVideo = (video: object): string[] => errorsOf({ video });

describe("instance input", () => {
  it("disk: needs a size or a base", () => {
    for (const disk of [{}, { base: "" }, { size: null, base: null, type: "cdrom" }])
      assert.deepEqual(ofDisk(disk), ["a disk needs a size, a base or both"]);
    for (const disk of [{ size: "8" }, { base: "cirros" }, { size: 8, base: "cirros" }])
      assert.deepEqual(ofDisk(disk), []);
  });

  it("disk checksum: has an algorithm that is understood and as many digits as that has", () => {
    assert.deepEqual(ofDisk({ base: "cirros", checksum: `sha256:${HEX}` }), []);
    assert.deepEqual(ofDisk({ base: "cirros", checksum: "" }), []);
    for (const checksum of [HEX, `sha1:${HEX.slice(0, 40)}`, "sha256:abc", `md5:${HEX}`, `sha256:${HEX}'/>`])
      assert.match(ofDisk({ base: "cirros", checksum })[0] ?? "", /^disk checksum '/, checksum);
    assert.deepEqual(ofDisk({ base: "cirros", checksum: 5 }), ["disk checksum is not a string"]);
  });

  it("disk checksum: is that of a base", () =>
    assert.deepEqual(ofDisk({ size: 1, checksum: `sha256:${HEX}` }), [
      "a disk's checksum is that of its base: give a base, too",
    ]));

  it("video: a model and as much memory as QEMU takes, in KiB", () => {
    assert.deepEqual(ofVideo({ model: "", memory: 0 }), []);
    assert.deepEqual(ofVideo({ model: "vga", memory: "8192" }), []);
    assert.deepEqual(ofVideo({ model: "ega" }), [
      "video model is none of cirrus, vga, virtio, qxl, vmvga, bochs, none",
    ]);
    const range = "video memory (KiB) must be a whole number from 1024 to 262144";
    for (const memory of [1, 1023, 262_145, -1, 1.5, "x"]) assert.deepEqual(ofVideo({ memory }), [range]);
    assert.deepEqual(ofVideo({ model: "bochs", memory: 1024 }), [
      "video memory (KiB) of the model bochs must be at least 4096",
    ]);
  });
});
