import { strict as assert } from "node:assert";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { listen } from "../../runtime/listen.ts";
import { collect } from "../support/collect.ts";
import { type FakeCloudOptions, fakeCloud } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";
import { begun, nothingLeft, type Opened, openSnapshots as open, schedule } from "../support/snapshots.ts";

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

describe("the files of snapshots", () => {
  const FILE = "disk of a running guest";

  async function openFile(t: TestContext, options: FakeCloudOptions = {}) {
    const opened = await open(t, { name: "web" }, options);
    const snapshot = await opened.take();
    const file = `${opened.path}/${snapshot}/vda`;
    async function get(range?: string) {
      const authorization = await opened.f.authorization("alice");
      const request = { method: "GET", path: file, authorization, body: "", id: "request-1" };
      const { body, ...answer } = await opened.f.dispatch(opened.f.cloud, { ...request, range });
      return { ...answer, text: String(await collect(body)), headers: answer.headers ?? {} };
    }
    return { ...opened, snapshot, file, get };
  }

  it("GET …/snapshot/{snapshot_uuid}/{device}: the whole file, with what a client needs to go on later", async (t) => {
    const { get, snapshot } = await openFile(t);
    const { status, type, text, headers } = await get();
    assert.deepEqual([status, type, text], [200, "application/octet-stream", FILE]);
    const { "X-Request-ID": _, ...own } = headers;
    assert.deepEqual(own, {
      "Accept-Ranges": "bytes",
      "Content-Length": "23",
      "Content-Disposition": `attachment; filename="web-vda-${snapshot}.qcow2"`,
      ETag: `"${snapshot}-vda"`,
    });
  });

  it("GET …/snapshot/{snapshot_uuid}/{device}: parts, and 416 for none", async (t) => {
    const { get } = await openFile(t);
    const parts = { "bytes=0-3": "0-3", "bytes=8-": "8-22", "bytes=-5": "18-22", "bytes=20-99": "20-22" };
    for (const [range, part] of Object.entries(parts)) {
      const { status, text, headers } = await get(range);
      const [first, last] = part.split("-").map(Number);
      assert.deepEqual([status, text], [206, FILE.slice(first, (last ?? 0) + 1)], range);
      assert.equal(headers["Content-Range"], `bytes ${part}/23`);
      assert.equal(headers["Content-Length"], String(text.length));
    }
    for (const range of ["bytes=0-1,4-5", "lines=1-2", "bytes=x", "bytes=5-2", ""])
      assert.deepEqual([(await get(range)).status, (await get(range)).text], [200, FILE], range);
    const { status, headers, text } = await get("bytes=23-");
    assert.deepEqual([status, headers["Content-Range"]], [416, "bytes */23"]);
    assert.equal(JSON.parse(text).error, "range: there are 23 bytes, and none of them is asked for");
  });

  it("GET …/snapshot/{snapshot_uuid}/{device}: others', what is not there, and a file that is missing", async (t) => {
    const { f, path, files, snapshot, file } = await openFile(t);
    await refuses(f, ["GET", file, undefined, "bob"], 404, "instance not found");
    const other = `${path}/${crypto.randomUUID()}`;
    for (const each of [`${other}/vda`, `${path}/x/vda`, `${path}/..%2F${snapshot}/vda`])
      await refuses(f, ["GET", each, undefined, "alice"], 404, "snapshot not found");
    for (const device of ["vdb", "vda.tmp", "..%2Fvda"]) {
      const words = `snapshot ${snapshot}: has no device ${decodeURIComponent(device)}, only vda`;
      await refuses(f, ["GET", `${path}/${snapshot}/${device}`, undefined, "alice"], 404, words);
    }
    await rm(join(files, snapshot, "vda"));
    const missing = `snapshot ${snapshot}: the file of device vda is missing on its node`;
    await refuses(f, ["GET", file, undefined, "alice"], 404, missing);
  });

  it("DELETE …/snapshot/{snapshot_uuid}: record and files; others stay", async (t) => {
    const { f, path, files, snapshot, take, list } = await openFile(t);
    const kept = await take();
    await refuses(f, ["DELETE", `${path}/${snapshot}`, undefined, "bob"], 404, "instance not found");
    assert.equal(await f.call("DELETE", `${path}/${snapshot}`, undefined, "alice"), null);
    assert.deepEqual(
      (await list()).map(({ uuid }) => uuid),
      [kept],
    );
    assert.deepEqual(await readdir(files), [kept]);
    await refuses(f, ["DELETE", `${path}/${snapshot}`, undefined, "alice"], 404, "snapshot not found");
    await refuses(f, ["DELETE", `${path}/x`, undefined, "alice"], 404, "snapshot not found");
  });

  it("DELETE …/snapshot/{snapshot_uuid}: one under way is ended, and nothing is left", async (t) => {
    const opened = await open(t);
    opened.f.hypervisor.holdBackups(1);
    const asked = opened.refused();
    const { uuid } = await begun(opened);
    await opened.f.call("DELETE", `${opened.path}/${uuid}`, undefined, "alice");
    const words = `instance ${opened.uuid}: snapshot: it was deleted meanwhile`;
    assert.deepEqual(await asked, [409, words, words]);
    await nothingLeft(opened);
  });

  it("GET …/snapshot/{snapshot_uuid}/{device}: through another node, whole, in part and refused", async (t) => {
    const config = { API_PORT: String(await freePort()), API_ADDRESS: "127.0.0.1" };
    const node = { name: "sf-1", ip: "127.0.0.1" };
    const { f, file, snapshot } = await openFile(t, { config, node });
    const listener = await listen(f.cloud, f.dispatch);
    t.after(() => listener.close());
    const other = await fakeCloud({ memory: f.memory, config, node: { name: "sf-2", ip: "127.0.0.2" } });
    t.after(() => other.close());
    const authorization = await other.authorization("alice");
    const get = async (range?: string) => {
      const request = { method: "GET", path: file, authorization, body: "", id: "request-2", range };
      const { status, headers = {}, body } = await other.dispatch(other.cloud, request);
      return [status, String(await collect(body)), headers["Content-Range"], headers.ETag];
    };
    const tag = `"${snapshot}-vda"`;
    assert.deepEqual(await get(), [200, FILE, undefined, tag]);
    assert.deepEqual(await get("bytes=0-3"), [206, "disk", "bytes 0-3/23", tag]);
    const [status, , part] = await get("bytes=23-");
    assert.deepEqual([status, part], [416, "bytes */23"]);
  });
});

describe("instances/snapshots", () => {
  const OTHER = "00000000-0000-4000-8000-000000000000";

  /** As a process leaves it that dies: its lock goes with it. */
  async function leave(o: Opened, state: string, file: string) {
    const record = { uuid: OTHER, instance_uuid: o.uuid, devices: ["vda"], created: 1, state };
    await o.f.cloud.store.commit([{ key: `snapshot/${o.uuid}/${OTHER}`, write: { put: record } }]);
    await mkdir(join(o.files, OTHER), { recursive: true });
    await writeFile(join(o.files, OTHER, file), "");
  }

  for (const [state, file] of [
    ["creating", "vda.tmp"],
    ["creating", "vda"],
    ["deleting", "vda"],
  ] as const)
    it(`a process that died while a snapshot was ${state}: ${file} and the record go`, async (t) => {
      const opened = await open(t);
      await opened.take();
      await leave(opened, state, file);
      assert.equal((await opened.list()).length, state === "creating" ? 2 : 1);
      await schedule(opened.f, "instances/snapshots");
      assert.deepEqual(
        (await opened.list()).map(({ state }) => state),
        ["created"],
      );
      assert.equal(existsSync(join(opened.files, OTHER)), false);
      assert.equal(opened.f.everything().has(`snapshot/${opened.uuid}/${OTHER}`), false);
    });

  it("a snapshot of an instance that has leftovers: they go first", async (t) => {
    const opened = await open(t);
    await leave(opened, "creating", "vda.tmp");
    const made = await opened.take();
    assert.deepEqual(
      (await opened.list()).map(({ uuid }) => uuid),
      [made],
    );
    assert.deepEqual(await readdir(opened.files), [made]);
  });

  it("a snapshot under way, libvirt away, what is whole and what is not ours: are left alone", async (t) => {
    const opened = await open(t);
    const { f, files, take, list } = opened;
    f.hypervisor.holdBackups(1);
    const taken = take();
    await begun(opened);
    await schedule(f, "instances/snapshots");
    f.hypervisor.releaseBackups();
    await taken;
    await mkdir(join(files, "of-somebody"));
    await mkdir(join(files, crypto.randomUUID()));
    await leave(opened, "creating", "vda.tmp");
    f.hypervisor.goAway();
    await schedule(f, "instances/snapshots");
    assert.equal((await list()).length, 2);
    assert.ok(existsSync(join(files, OTHER, "vda.tmp")));
    f.hypervisor.comeBack();
    await schedule(f, "instances/snapshots");
    assert.equal((await list()).length, 1);
    assert.equal((await readdir(files)).length, 3);
  });
});
