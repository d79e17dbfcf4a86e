import assert from "node:assert/strict";
import { test } from "node:test";
import { bool, integer } from "../../cli/command.ts";
import { Refusal, UsageError } from "../../cli/errors.ts";
import {
  diskFromShort,
  diskFromSpec,
  memoryFrom,
  nicFromShort,
  nicFromSpec,
  videoFromSpec,
} from "../../cli/specs.ts";

test("diskFromShort: reads a size and, after the first @, a base", () => {
  assert.deepEqual(diskFromShort("8"), { size: 8, base: null, bus: null, type: "disk" });
  assert.deepEqual(diskFromShort("8@http://u@h/x"), {
    size: 8,
    base: "http://u@h/x",
    bus: null,
    type: "disk",
  });
});

for (const text of ["", "@cirros", "8.5", "big@cirros", "-1", "0x10"]) {
  test(`diskFromShort: refuses "${text}"`, () => {
    assert.throws(() => diskFromShort(text), new Refusal("Disk size is not an integer"));
  });
}

test("diskFromSpec: passes pairs on, with the size as a number", () => {
  const spec = "size=8,base=http://h/a?b=1,c=2,d,bus=ide,type=cdrom";
  assert.deepEqual(diskFromSpec(spec), { size: 8, base: "http://h/a?b=1,c=2,d", bus: "ide", type: "cdrom" });
  assert.deepEqual(diskFromSpec("base=cirros,colour=red"), { base: "cirros", colour: "red" });
});

test("diskFromSpec: refuses a piece that is no pair, naming it", () => {
  const refusal = new Refusal("Error in disk specification - should be key=value: 8");
  assert.throws(() => diskFromSpec("8,base=cirros"), refusal);
  assert.throws(() => diskFromSpec("size=big"), new Refusal("Disk size is not an integer"));
});

test("nicFrom…: read a network and its address", () => {
  assert.deepEqual(nicFromShort("n"), {
    network_uuid: "n",
    address: null,
    macaddress: null,
    model: "virtio",
  });
  assert.deepEqual(nicFromShort("n@10.0.0.7").address, "10.0.0.7");
  assert.deepEqual(nicFromSpec("network_uuid=n,model=e1000"), { network_uuid: "n", model: "e1000" });
  assert.throws(() => nicFromSpec("model=e1000"), Refusal);
  assert.throws(
    () => nicFromSpec("n"),
    new Refusal("Error in network specification - should be key=value: n"),
  );
});

test("videoFromSpec: fills what is missing and sends memory as a number", () => {
  assert.deepEqual(videoFromSpec(null), { model: "cirrus", memory: 16384 });
  assert.deepEqual(videoFromSpec("memory=1024"), { model: "cirrus", memory: 1024 });
  assert.throws(
    () => videoFromSpec("vga"),
    new Refusal("Error in video specification - should be key=value: vga"),
  );
});

test("memoryFrom: takes MB, units, and below 256 guesses GB", () => {
  assert.deepEqual(memoryFrom("1024"), { memory: 1024, guessed: false });
  assert.deepEqual(memoryFrom("2"), { memory: 2048, guessed: true });
  assert.deepEqual(memoryFrom("128M"), { memory: 128, guessed: false });
  assert.deepEqual(memoryFrom("2GiB"), { memory: 2048, guessed: false });
  for (const text of ["", "lots", "-1", "1.5G", "1T"]) assert.throws(() => memoryFrom(text), UsageError);
});

test("integer and bool: read what the old client did and refuse the rest", () => {
  assert.equal(integer("-1"), -1);
  for (const text of ["", "1.5", "1e3", "banana", "99999999999999999"])
    assert.throws(() => integer(text), UsageError);
  assert.equal(bool("True"), true);
  assert.equal(bool("n"), false);
  assert.throws(() => bool("maybe"), UsageError);
});
