// What sf-client says and does about snapshots beyond one request: waiting for one, and fetching its files.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Answer, type Client, credentialsFor, openClient, startApi } from "./api-server.ts";
import { event, snapshot } from "./samples.ts";

let client: Client;
before(async () => {
  client = await openClient();
});
after(() => client[Symbol.asyncDispose]());

const LIST = "GET /instances/web/snapshot";
const FILE = "GET /instances/web/snapshot/s-1/vda";
const BYTES = Buffer.from("the disk");
const row = { ...snapshot, size: BYTES.length };
const download = ["instance", "snapshot-download", "web", "s-1"];

async function ask(routes: Record<string, Answer | (() => Answer)>, ...args: string[]) {
  await using api = await startApi(routes);
  const { stdout, stderr, code } = await client.run(args, credentialsFor(api));
  return { text: stdout + stderr, code, asked: api.seen.length };
}

test("instance snapshot: waits until it is there", async () => {
  const states = ["creating", "creating", "created"];
  const next = () => ({ json: [{ ...row, state: states.shift() ?? "created", progress: 50 }] });
  const routes = { [LIST]: next, "POST /instances/web/snapshot": { json: "s-1" } };
  const { text, code, asked } = await ask(routes, "instance", "snapshot", "web");
  assert.deepEqual([text, code, asked], ["Created snapshot s-1\n", 0, 4]);
});

test("instance snapshot: one that failed says why", async () => {
  const failed = { ...event, operation: "snapshot", phase: "failed", message: "s-1: no space left" };
  const routes = {
    ...{ [LIST]: { json: [] }, "POST /instances/web/snapshot": { json: "s-1" } },
    "GET /instances/web/events": { json: [event, failed] },
  };
  const { text, code } = await ask(routes, "instance", "snapshot", "web");
  assert.deepEqual([text, code], ["no space left\n", 1]);
});

test("instance snapshot-download: whole, and never over a file that is there", async () => {
  const target = join(client.home, "whole");
  const routes = { [LIST]: { json: [row] }, [FILE]: { raw: BYTES } };
  assert.deepEqual((await ask(routes, ...download, "-o", target)).text, `Downloaded ${target}\n`);
  assert.deepEqual(await readFile(target), BYTES);
  const again = await ask(routes, ...download, "-o", target);
  assert.deepEqual([again.text, again.code], [`${target} exists; choose another with -o\n`, 1]);
});

test("instance snapshot-download --resume: goes on with what is there, also where the server knows no ranges", async () => {
  for (const status of [206, 200]) {
    const target = join(client.home, `resumed-${status}`);
    await writeFile(`${target}.s-1-vda.part`, BYTES.subarray(0, 3));
    const raw = status === 206 ? BYTES.subarray(3) : BYTES;
    const routes = { [LIST]: { json: [row] }, [FILE]: { status, raw } };
    assert.equal((await ask(routes, ...download, "-o", target, "--resume")).code, 0);
    assert.deepEqual(await readFile(target), BYTES);
    assert.ok(!existsSync(`${target}.s-1-vda.part`));
  }
});

test("instance snapshot-download: a file cut short is asked for again from where it ends", async () => {
  const target = join(client.home, "cut");
  const parts = [
    { status: 200, raw: BYTES.subarray(0, 5) },
    { status: 206, raw: BYTES.subarray(5) },
  ];
  const routes = { [LIST]: { json: [row] }, [FILE]: () => parts.shift() ?? { status: 500 } };
  assert.equal((await ask(routes, ...download, "-o", target)).code, 0);
  assert.deepEqual(await readFile(target), BYTES);
});

test("instance snapshot-download: says what is missing or not yet there", async () => {
  const of = (...rows: object[]) => ({ [LIST]: { json: rows } });
  const cases: [ReturnType<typeof of>, string[], string][] = [
    [of(), [], "instance web has no snapshot s-1\n"],
    [of(row, { ...row, device: "vdc" }), [], "say which device: vda, vdc\n"],
    [of(row), ["vdz"], "snapshot s-1 has no device vdz, only vda\n"],
    [of({ ...row, state: "creating", size: null }), [], "snapshot s-1 is still being made\n"],
  ];
  for (const [routes, more, words] of cases) {
    const { text, code } = await ask(routes, ...download, ...more);
    assert.deepEqual([text, code], [words, 1]);
  }
});
