import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Instance } from "#shared/api/types.ts";
import type { InstanceRecord } from "#shared/instances/record.ts";
import { tapName } from "#shared/networks/taps.ts";
import { discard, put } from "#shared/ports/store/store.ts";
import { askDoctor, askOne, heals, NOWHERE, openDoctor } from "../support/doctor.ts";
import { small } from "../support/fake-cloud.ts";

describe("leaks that the doctor finds", () => {
  it("keys that nobody owns: are found and removed, and those in use stay", async (t) => {
    const { f } = await openDoctor(t);
    const before = f.everything();
    const nobody = `interface ${NOWHERE} does not have it`;
    const planted: [check: string, key: string, value: unknown, problem: string][] = [
      [
        "addresses",
        "address/floating/192.168.20.77",
        { use: "gateway", owner: NOWHERE },
        `network ${NOWHERE} does not leave by it`,
      ],
      ["addresses", "address/floating/192.168.20.78", { use: "floating", owner: NOWHERE }, nobody],
      ["addresses", `address/${NOWHERE}/10.0.0.9`, { use: "interface", owner: NOWHERE }, nobody],
      ["macs", "mac/02:00:00:00:00:01", { interface: NOWHERE }, nobody],
      ["ports", "port/sf-1/30000", { instance: NOWHERE }, `there is no instance ${NOWHERE}`],
      ["vxids", "vxid/99", { network: NOWHERE }, `network ${NOWHERE} does not have it`],
      ["snapshot-records", `snapshot/${NOWHERE}/s`, { uuid: "s" }, `there is no instance ${NOWHERE}`],
      ["removed-nodes", "job/gone/", { kind: "x" }, ""],
      ["events", `event/instance/${NOWHERE}/`, {}, "its object is gone"],
    ];
    for (const [check, key, value, problem] of planted) {
      const isPrefix = key.endsWith("/");
      await f.cloud.store.commit([put(isPrefix ? `${key}1` : key, value)]);
      const words = check === "removed-nodes" ? "1 keys of a node that there is not" : problem;
      await heals(f, check, [{ subject: key, problem: words }]);
    }
    assert.deepEqual(f.everything(), before);
  });

  it("an address, a port and a number of a thing that has others: are found", async (t) => {
    const { f, guest, net } = await openDoctor(t);
    const [nic] = f.value<InstanceRecord>(`instance/${guest.uuid}`).interface_uuids;
    await f.cloud.store.commit([
      put(`address/${net.uuid}/10.0.0.200`, { use: "interface", owner: nic }),
      put("port/sf-1/30001", { instance: guest.uuid }),
      put("vxid/77", { network: net.uuid }),
    ]);
    const found = await askDoctor(f, "GET", "addresses", "ports", "vxids");
    assert.deepEqual(
      found.map(({ findings }) => findings.map(({ subject }) => subject)),
      [[`address/${net.uuid}/10.0.0.200`], ["port/sf-1/30001"], ["vxid/77"]],
    );
  });

  it("a claim that is not the sum of the instances: is set to it; one of no node goes", async (t) => {
    const { f } = await openDoctor(t);
    const right = f.value("claim/sf-1");
    await f.cloud.store.commit([
      put("claim/sf-1", { cpus: 5, memory_mib: 256, disk_gib: 8 }),
      put("claim/gone", { cpus: 1, memory_mib: 1, disk_gib: 1 }),
    ]);
    const problem = "5 vCPUs, 256 MiB and 8 GiB are claimed, its instances need 1 vCPUs, 256 MiB and 8 GiB";
    await heals(f, "claims", [
      { subject: "claim on node gone", problem: "there is no such node" },
      { subject: "claim on node sf-1", problem },
    ]);
    assert.deepEqual(f.value("claim/sf-1"), right);
    assert.equal(f.everything().has("claim/gone"), false);
  });

  it("an interface without its instance: goes with its address, MAC and floating address", async (t) => {
    const { f, guest, net } = await openDoctor(t);
    const before = f.everything();
    const second = await f.call<Instance>(
      "POST",
      "/instances",
      small({ network: [{ network_uuid: net.uuid }] }),
    );
    const [nic = ""] = f.value<InstanceRecord>(`instance/${second.uuid}`).interface_uuids;
    await f.call("POST", `/interfaces/${nic}/float`);
    await f.cloud.store.commit([discard(`instance/${second.uuid}`)]);
    const subject = `interface ${nic}`;
    await heals(f, "interfaces", [{ subject, problem: `there is no instance ${second.uuid}` }]);
    await askDoctor(f, "POST", "ports", "claims");
    const kept = (keys: Map<string, unknown>) =>
      [...keys.keys()].filter((key) => /^(address|mac|interface|port)/.test(key));
    assert.deepEqual(kept(f.everything()), kept(before));
    assert.equal(f.value<InstanceRecord>(`instance/${guest.uuid}`).state, "created");
  });

  it("what is on its way without a job: gets its job", async (t) => {
    const { f, guest, net } = await openDoctor(t);
    const instance = f.value<InstanceRecord>(`instance/${guest.uuid}`);
    await f.cloud.store.commit([
      put(`instance/${guest.uuid}`, { ...instance, doomed: true }),
      put(`network/${net.uuid}`, { ...f.value<object>(`network/${net.uuid}`), state: "initial" }),
    ]);
    await heals(f, "unsettled", [
      { subject: `instance ${guest.uuid}`, problem: "is to be deleted, and no job is at it" },
      { subject: `network ${net.uuid}`, problem: "is initial, and no job is at it" },
    ]);
    await f.idle();
    assert.equal(f.value<InstanceRecord>(`instance/${guest.uuid}`).state, "deleted");
    assert.equal(f.value<{ state: string }>(`network/${net.uuid}`).state, "created");
  });

  it("a domain without an instance: is ended; another program's is not seen", async (t) => {
    const { f, guest } = await openDoctor(t);
    f.hypervisor.addForeign("11111111-1111-4111-8111-111111111111");
    await f.hypervisor.define(`<domain><name>sf:${NOWHERE}</name><uuid>${NOWHERE}</uuid></domain>`);
    await f.hypervisor.start(NOWHERE);
    await heals(f, "domains", [
      { subject: `domain sf:${NOWHERE}`, problem: "is on, and there is no such instance" },
    ]);
    assert.equal((await f.hypervisor.usage()).domains, 2);
    assert.deepEqual(
      (await f.hypervisor.listDomains()).map(({ uuid }) => uuid),
      [guest.uuid],
    );
  });

  it("a domain whose instance is on another node: is told, and left to a person", async (t) => {
    const { f, guest } = await openDoctor(t);
    const record = f.value<InstanceRecord>(`instance/${guest.uuid}`);
    await f.cloud.store.commit([put(`instance/${guest.uuid}`, { ...record, node: "sf-2" })]);
    const { state, findings } = await askOne(f, "POST", "domains");
    assert.equal(state, "found");
    assert.deepEqual(
      findings.map(({ problem, mendable, mended }) => ({ problem, mendable, mended })),
      [{ problem: "is on, and its instance is on another node", mendable: false, mended: undefined }],
    );
    assert.equal((await f.hypervisor.getDomain(guest.uuid))?.power, "on");
  });

  it("directories without a record, disks of what is deleted: go; files of others stay", async (t) => {
    const { f, storage, guest, net } = await openDoctor(t);
    const gone = await f.call<Instance>(
      "POST",
      "/instances",
      small({ network: [{ network_uuid: net.uuid }] }),
    );
    await f.call("DELETE", `/instances/${gone.uuid}`);
    const path = (...names: string[]) => join(storage, ...names);
    for (const directory of ["instances", "snapshots"]) {
      await mkdir(path(directory, NOWHERE), { recursive: true });
      await mkdir(path(directory, "backup-of-mine"), { recursive: true });
      await writeFile(path(directory, "11111111-1111-4111-8111-111111111111"), "a file, not a directory");
    }
    await mkdir(path("instances", gone.uuid), { recursive: true });
    await writeFile(path("instances", gone.uuid, "vda"), "left");
    await writeFile(path("instances", gone.uuid, "console.log"), "kept");
    await heals(f, "instance-directories", [
      { subject: path("instances", NOWHERE), problem: "there is no such instance" },
      { subject: path("instances", gone.uuid, "vda"), problem: "its instance is deleted" },
    ]);
    await heals(f, "snapshot-directories", [
      { subject: path("snapshots", NOWHERE), problem: "there is no such snapshot" },
    ]);
    for (const directory of ["instances", "snapshots"])
      for (const name of ["backup-of-mine", "11111111-1111-4111-8111-111111111111"])
        assert.ok(existsSync(path(directory, name)), name);
    assert.ok(existsSync(path("instances", gone.uuid, "console.log")));
    assert.ok(existsSync(path("instances", guest.uuid)));
  });

  it("a directory that a domain still uses: stays, and says why", async (t) => {
    const { f, storage } = await openDoctor(t);
    await f.hypervisor.define(`<domain><name>sf:${NOWHERE}</name><uuid>${NOWHERE}</uuid></domain>`);
    await mkdir(join(storage, "instances", NOWHERE));
    const { state, findings } = await askOne(f, "POST", "instance-directories");
    assert.equal(state, "found");
    assert.equal(findings[0]?.mended, false);
    assert.equal(findings[0]?.failure, `domain sf:${NOWHERE}: is still there, and uses it`);
    assert.ok(existsSync(join(storage, "instances", NOWHERE)));
  });

  it("work on images of a process that is gone: goes; that of this one stays", async (t) => {
    const { f, storage } = await openDoctor(t);
    const [old, fresh] = ["work-1-old", `work-${process.pid}-new`].map((name) =>
      join(storage, "image_cache", name),
    );
    assert.ok(old && fresh);
    await mkdir(old);
    await mkdir(fresh);
    await heals(f, "image-work", [{ subject: old, problem: "the process that was at it is gone" }]);
    assert.ok(existsSync(fresh));
  });

  it("disks that are gone: are told, unless all the storage is", async (t) => {
    const { f, guest, storage } = await openDoctor(t);
    const disk = f.value<InstanceRecord>(`instance/${guest.uuid}`).block_devices?.devices[0]?.path ?? "";
    await rm(disk);
    assert.equal((await askOne(f, "GET", "missing-disks")).state, "ok");
    await writeFile(join(storage, "installation"), "x");
    const { state, findings } = await askOne(f, "GET", "missing-disks");
    assert.equal(state, "found");
    assert.deepEqual(findings, [
      {
        subject: `instance ${guest.uuid} (guest): vda`,
        problem: `its file ${disk} is gone`,
        mend: `bring the file back, or sf-client instance delete ${guest.uuid}`,
        mendable: false,
      },
    ]);
    await f.call("POST", `/instances/${guest.uuid}/poweroff`);
    await heals(
      f,
      "missing-disks",
      findings.map(({ subject, problem }) => ({ subject, problem })),
    );
    const { state: now, error_message } = await f.call<Instance>("GET", `/instances/${guest.uuid}`);
    assert.deepEqual([now, error_message], ["error", `vda: its file ${disk} is gone`]);
  });

  it("links, taps, namespaces and DHCP servers without a network: go; those in use are not judged", async (t) => {
    const { f, net, guest } = await openDoctor(t);
    const [nic = ""] = f.value<InstanceRecord>(`instance/${guest.uuid}`).interface_uuids;
    const used = [
      { kind: "link", name: `vxlan-${net.vxid}`, network: net.uuid },
      { kind: "tap", name: tapName(nic) },
    ] as const;
    f.network.left = [
      ...used,
      { kind: "link", name: "vxlan-99", network: NOWHERE },
      { kind: "tap", name: "sf-000000000000" },
      { kind: "namespace", name: NOWHERE, network: NOWHERE },
      { kind: "dnsmasq", name: "dnsmasq 4711", network: NOWHERE },
      { kind: "DHCP directory", name: "/dhcp/x", network: NOWHERE },
    ];
    const problem = `network ${NOWHERE} is not here`;
    await heals(f, "links", [{ subject: "link vxlan-99", problem }]);
    await heals(f, "taps", [{ subject: "tap sf-000000000000", problem: "no interface here bears it" }]);
    await heals(f, "namespaces", [{ subject: `namespace ${NOWHERE}`, problem }]);
    await heals(f, "dnsmasq", [
      { subject: "dnsmasq 4711", problem },
      { subject: "DHCP directory /dhcp/x", problem },
    ]);
    assert.deepEqual(f.network.left, used);
  });
});
