import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Diagnosis, Event, Instance } from "#shared/api/types.ts";
import type { Check } from "#shared/doctor/check.ts";
import { examine } from "#shared/doctor/examine.ts";
import { CHECKS } from "#shared/doctor/list.ts";
import { publishNode } from "#shared/instances/publish-node.ts";
import { put } from "#shared/ports/store/store.ts";
import { askDoctor, askOne, DOCTOR, LEAKS, NOWHERE, openDoctor } from "../support/doctor.ts";
import { fakeCloud, small } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

describe("the doctor", () => {
  it("GET /nodes/{node}/doctor: a cloud at work is well, and the look changes nothing", async (t) => {
    const { f } = await openDoctor(t);
    const before = f.everything();
    const all = await askDoctor(f, "GET", ...LEAKS);
    assert.deepEqual(
      all.filter(({ state }) => state !== "ok"),
      [],
    );
    assert.equal(all.length, LEAKS.length);
    assert.deepEqual(f.everything(), before);
  });

  it("GET /nodes/{node}/doctor: without a wish every check answers; scope takes its own", async (t) => {
    const { f } = await openDoctor(t);
    const names = (list: readonly { name?: string; check?: string }[]) =>
      list.map((it) => it.check ?? it.name);
    assert.deepEqual(names(await f.call<Diagnosis[]>("GET", DOCTOR)), names(CHECKS));
    const cloud = await f.call<Diagnosis[]>("GET", DOCTOR, { scope: "cloud" });
    assert.deepEqual(names(cloud), names(CHECKS.filter(({ scope }) => scope === "cloud")));
  });

  it("GET /nodes/{node}/doctor: says what is wrong with the question", async (t) => {
    const { f } = await openDoctor(t);
    await refuses(f, ["GET", "/nodes/nosuch/doctor", undefined], 404, "node nosuch not found");
    await refuses(f, ["POST", DOCTOR, { scope: "all" }], 400, "scope is node or cloud");
    await refuses(f, ["GET", DOCTOR, { checks: "domains" }], 400, "checks is a list of the names of checks");
    const known = CHECKS.map(({ name }) => name).join(", ");
    const words = `checks: there is no check domain; there are ${known}`;
    await refuses(f, ["GET", DOCTOR, { checks: ["domain"] }], 400, words);
  });

  it("POST /nodes/{node}/doctor: what is mended is told in the node's history", async (t) => {
    const { f } = await openDoctor(t);
    await f.cloud.store.commit([put("vxid/99", { network: NOWHERE })]);
    await askDoctor(f, "POST", "vxids");
    const events = await f.call<Event[]>("GET", "/nodes/sf-1/events");
    const told = events.filter(({ operation }) => operation === "doctor");
    const message = `vxids: vxid/99: network ${NOWHERE} does not have it`;
    assert.deepEqual(
      told.map(({ phase, message }) => ({ phase, message })),
      [{ phase: "mended", message }],
    );
  });

  it("an image cache over its size: is told", async (t) => {
    const f = await fakeCloud({ config: { IMAGE_CACHE_GIB: "0.00001" } });
    t.after(() => f.close());
    assert.equal((await askOne(f, "GET", "image-cache")).state, "ok");
    const cache = join(f.cloud.config.STORAGE_PATH, "image_cache");
    await writeFile(join(cache, `${"a".repeat(64)}.v001.qcow2`), Buffer.alloc(100_000, 1));
    const { findings } = await askOne(f, "GET", "image-cache");
    assert.equal(findings[0]?.subject, cache);
    assert.match(String(findings[0]?.problem), /^has 0.0 GiB, and 0.00001 are allowed/);
  });

  it("nodes/clean-up: mends by itself what nobody can want, and nothing else", async (t) => {
    const { f, storage } = await openDoctor(t);
    await f.hypervisor.define(`<domain><name>sf:${NOWHERE}</name><uuid>${NOWHERE}</uuid></domain>`);
    await mkdir(join(storage, "instances", NOWHERE));
    await f.cloud.store.commit([put("vxid/99", { network: NOWHERE })]);
    const schedule = f.table.schedules.find(({ name }) => name === "nodes/clean-up");
    await schedule?.definition.run({ cloud: f.cloud, signal: new AbortController().signal });
    assert.equal(f.everything().has("vxid/99"), false);
    assert.equal((await f.hypervisor.getDomain(NOWHERE))?.power, "off");
    assert.ok(existsSync(join(storage, "instances", NOWHERE)));
  });

  it("admin/compact: forgets what was half an hour ago, once for all nodes", async (t) => {
    const { f } = await openDoctor(t);
    const schedule = f.table.schedules.find(({ name }) => name === "admin/compact");
    const compacted: number[] = [];
    const { compact } = f.cloud.store;
    f.cloud.store.compact = (revision) => {
      compacted.push(revision);
      return compact.call(f.cloud.store, revision);
    };
    const turn = () => schedule?.definition.run({ cloud: f.cloud, signal: new AbortController().signal });
    await turn();
    const { revision } = (await f.cloud.store.get<{ revision: number }>("setting/compaction"))?.value ?? {};
    f.clock.advance(1700);
    await turn();
    assert.deepEqual(compacted, []);
    f.clock.advance(200);
    await turn();
    await turn();
    assert.deepEqual(compacted, [revision]);
    const other = await fakeCloud({ memory: f.memory, node: { name: "sf-2", ip: "10.255.0.2" } });
    t.after(() => other.close());
    f.clock.advance(2000);
    other.clock.advance(5000);
    await schedule?.definition.run({ cloud: other.cloud, signal: new AbortController().signal });
    assert.deepEqual(compacted, [revision]);
  });

  it("etcd: alarms, silent members and a full file are told", async (t) => {
    const { f } = await openDoctor(t);
    f.memory.health = {
      alarms: ["NOSPACE"],
      members: [
        { host: "one:2379", failure: "refused", size: 0 },
        { host: "two:2379", failure: null, size: 1900 * 1024 ** 2 },
        { host: "three:2379", failure: null, size: 100 },
      ],
    };
    const { findings } = await askOne(f, "GET", "etcd");
    assert.deepEqual(
      findings.map(({ subject }) => subject),
      ["etcd alarm NOSPACE", "etcd one:2379", "etcd two:2379"],
    );
  });

  it("another node: its clock, its MTU and its absence are told", async (t) => {
    const { f } = await openDoctor(t);
    const other = await fakeCloud({ memory: f.memory, node: { name: "sf-2", ip: "10.255.0.2" } });
    t.after(() => other.close().catch(() => undefined));
    await publishNode(other.cloud);
    const states = async () =>
      (await askDoctor(f, "GET", "clocks", "mtu", "nodes")).map(({ state, findings }) => [
        state,
        ...findings.map(({ problem }) => problem),
      ]);
    assert.deepEqual(await states(), [["ok"], ["ok"], ["ok"]]);
    const metrics = f.value<Record<string, number>>("metrics/sf-2");
    const wrong = { ...metrics, updated_at: f.cloud.clock.now() + 90, network_guest_mtu: 1400 };
    await f.cloud.store.commit([put("metrics/sf-2", wrong)]);
    const [mtu, clocks] = await states();
    assert.match(String(clocks?.[1]), /^its clock is \d\d s ahead of that of sf-1$/);
    assert.equal(mtu?.[1], "its guests may send 1400 bytes, those of sf-1 1450");
    await f.cloud.store.commit([put("metrics/sf-2", { ...wrong, updated_at: 1 })]);
    assert.match(String((await states())[1]?.[1]), /^its clock is \d+ s behind that of sf-1$/);
    await other.close();
    assert.match(String((await states())[2]?.[1]), /^is away since /);
    await refuses(f, ["GET", "/nodes/sf-2/doctor", undefined], 503, /sf-2/);
  });

  it("libvirt or etcd away: what is not known is unknown, and nothing is mended", async (t) => {
    const { f, guest } = await openDoctor(t);
    await f.hypervisor.define(`<domain><name>sf:${NOWHERE}</name><uuid>${NOWHERE}</uuid></domain>`);
    f.hypervisor.goAway();
    const [libvirt, domains] = await askDoctor(f, "POST", "libvirt", "domains");
    assert.deepEqual([libvirt?.state, libvirt?.findings.length], ["found", 1]);
    assert.deepEqual([domains?.state, domains?.reason], ["unknown", "libvirt: the fake is away"]);
    f.hypervisor.comeBack();
    await f.call("GET", `/instances/${guest.uuid}`);
    f.memory.freeze();
    t.after(() => f.memory.revive());
    const all = await askDoctor(f, "POST", ...LEAKS);
    f.memory.revive();
    const unknown = all.filter(({ state }) => state === "unknown").map(({ check }) => check);
    assert.deepEqual(
      unknown,
      LEAKS.filter((name) => !["libvirt", "image-work"].includes(name)),
    );
    assert.ok(all.every(({ state, reason }) => state !== "unknown" || String(reason).length > 10));
    assert.equal((await f.hypervisor.getDomain(NOWHERE))?.power, "off");
  });

  it("a look: what is not found twice is nothing, what throws is unknown, and of very much a part is shown", async (t) => {
    const { f } = await openDoctor(t);
    const named = (name: string, find: Check["find"]): Check => ({
      ...{ name, summary: "All is well", scope: "node", reads_store: false, find },
    });
    const found = (subject: string) => ({ subject, problem: "is wrong", mend: "mend it" });
    const looks = [
      ["stays", "goes"],
      ["comes", "stays"],
    ];
    const many = Array.from({ length: 600 }, (_, at) => found(`thing ${at}`));
    const all = await examine(f.cloud, {}, [
      named("moving", () => (looks.shift() ?? []).map(found)),
      named("silent", () => Promise.reject(new Error("no answer"))),
      named("many", () => many),
    ]);
    assert.deepEqual(
      all.map(({ state, reason, findings }) => [state, reason, findings.length, findings[0]?.subject]),
      [
        ["found", null, 1, "stays"],
        ["unknown", "no answer", 0, undefined],
        ["found", "600 found, the first 500 are shown", 500, "thing 0"],
      ],
    );
  });

  it("creates and deletes going on: none of it is taken for a leak", async (t) => {
    const { f, net } = await openDoctor(t);
    const network = [{ network_uuid: net.uuid }];
    let going = true;
    async function churn() {
      while (going) {
        const { uuid } = await f.call<Instance>("POST", "/instances", small({ network }));
        await f.call("DELETE", `/instances/${uuid}`);
      }
    }
    const work = [churn(), churn(), churn(), churn()];
    for (let turn = 0; turn < 20; turn++)
      for (const { check, state, findings } of await askDoctor(f, "GET", ...LEAKS))
        assert.deepEqual({ check, state, findings }, { check, state: "ok", findings: [] });
    going = false;
    await Promise.all(work);
  });
});
