// What the checks of a machine make of what the machine says.
import { strict as assert } from "node:assert";
import { chmod, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { dropping } from "#shared/doctor/checks/firewall.ts";
import { groupOf, isOpen } from "#shared/doctor/checks/kvm.ts";
import { unreserved } from "#shared/doctor/checks/port-range.ts";
import { CHECKS } from "#shared/doctor/list.ts";
import { askOne } from "../../support/doctor.ts";
import { fakeCloud } from "../../support/fake-cloud.ts";

test("kvm: open to everybody, or to the group kvm; root's alone is not", () => {
  const group = groupOf("root:x:0:\nkvm:x:104:libvirt-qemu\nkvmx:x:105:\n", "kvm");
  assert.equal(group, 104);
  assert.equal(groupOf("kvmx:x:105:\n", "kvm"), undefined);
  assert.equal(isOpen({ mode: 0o20600, gid: 0 }, group), false);
  assert.equal(isOpen({ mode: 0o20660, gid: 0 }, group), false);
  assert.equal(isOpen({ mode: 0o20660, gid: 104 }, group), true);
  assert.equal(isOpen({ mode: 0o20640, gid: 104 }, group), false);
  assert.equal(isOpen({ mode: 0o20666, gid: 0 }, undefined), true);
});

test("port-range: counts the ports that connections may get", () => {
  assert.equal(unreserved([30000, 32767], "32768\t60999\n", "\n"), 0);
  assert.equal(unreserved([30000, 32767], "1024\t65535\n", "\n"), 2768);
  assert.equal(unreserved([30000, 32767], "32000\t60999\n", "\n"), 768);
  assert.equal(unreserved([30000, 32767], "1024\t65535\n", "30000-32766,32767\n"), 0);
  assert.equal(unreserved([30000, 32767], "1024\t65535\n", "8080,30001-32767\n"), 1);
});

test("firewall: chains of others that drop what is forwarded", () => {
  const chain = (fields: object) => ({
    chain: { family: "ip", table: "filter", name: "FORWARD", ...fields },
  });
  const listing = (...chains: object[]) => JSON.stringify({ nftables: [{ metainfo: {} }, ...chains] });
  const drops = { hook: "forward", policy: "drop" };
  assert.deepEqual(dropping(""), []);
  assert.deepEqual(dropping(listing(chain({ hook: "forward", policy: "accept" }), chain({}))), []);
  assert.deepEqual(dropping(listing(chain({ ...drops, table: "shakenfist", family: "inet" }))), []);
  assert.deepEqual(
    dropping(listing(chain(drops))).map(({ name }) => name),
    ["FORWARD"],
  );
});

test("programs: those that are not installed, with their packages", async (t) => {
  const f = await fakeCloud();
  t.after(() => f.close());
  f.exec.script("which", ({ args }) => ({
    code: 1,
    stdout: args
      .filter((name) => name !== "zstd")
      .map((name) => `/usr/bin/${name}\n`)
      .join(""),
  }));
  const { state, findings } = await askOne(f, "GET", "programs");
  assert.equal(state, "found");
  assert.deepEqual(findings, [
    { subject: "zstd", problem: "is not installed", mend: "apt-get install zstd", mendable: false },
  ]);
  f.exec.script("which", ({ args }) => ({ stdout: args.map((name) => `/bin/${name}\n`).join("") }));
  assert.equal((await askOne(f, "GET", "programs")).state, "ok");
});

test("storage: what QEMU cannot enter is opened; what is missing is told", async (t) => {
  const f = await fakeCloud();
  t.after(() => f.close());
  const path = (name: string) => join(f.cloud.config.STORAGE_PATH, name);
  for (const name of ["snapshots", "dhcp"]) await mkdir(path(name));
  await chmod(f.cloud.config.STORAGE_PATH, 0o755);
  assert.deepEqual((await askOne(f, "GET", "storage")).findings, []);
  await chmod(path("instances"), 0o700);
  const mended = await askOne(f, "POST", "storage");
  assert.deepEqual(
    mended.findings.map(({ subject, mend, mended }) => ({ subject, mend, mended })),
    [{ subject: path("instances"), mend: `chmod o+x ${path("instances")}`, mended: true }],
  );
  await rm(path("dhcp"), { recursive: true });
  const { state, findings } = await askOne(f, "GET", "storage");
  assert.deepEqual([state, findings[0]?.subject], ["found", path("dhcp")]);
});

test("kvm-guests: does not try where guests are emulated; without a kernel it does not know", async (t) => {
  const f = await fakeCloud();
  t.after(() => f.close());
  assert.equal((await askOne(f, "GET", "kvm-guests")).state, "ok");
  assert.deepEqual(f.exec.runs, []);
});

test("checks: each has a name and says what is right", () => {
  const names = CHECKS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { name, summary } of CHECKS) {
    assert.match(name, /^[a-z]+(-[a-z]+)*$/);
    assert.match(summary, /^[A-Zl].{10,90}[^.]$/, name);
  }
});
