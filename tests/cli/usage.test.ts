// The built sf-client as a process: its command line, its credentials, and whoever reads its output.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { type Client, credentialsFor, openClient, startApi } from "./api-server.ts";
import { event } from "./samples.ts";

let client: Client;
before(async () => {
  client = await openClient();
});
after(() => client[Symbol.asyncDispose]());

const wrong: readonly [line: string, stderr: RegExp][] = [
  ["", /^Usage: sf-client/],
  ["instance", /^Usage: sf-client instance/],
  ["instnace list", /unknown command 'instnace'.*instance/s],
  ["instance lst", /unknown command 'lst'/],
  ["instance show", /missing required argument 'instance'\nUsage: sf-client instance show/],
  ["instance show a b c", /too many arguments/],
  ["instance list maybe", /"maybe" is neither true nor false/],
  ["instance create x many 1024 -d 8", /"many" is not a whole number\nUsage: sf-client instance create/],
  ["instance create x 1 lots -d 8", /"lots" is not a memory size/],
  ["instance create x 1 1024 -d 8 -i /nonexistent/key", /cannot read \/nonexistent\/key/],
  ["instance reboot x --hard --soft", /exclude each other/],
  ["instance list --json", /unknown option '--json'/],
  ["--namespace", /argument missing/],
];
for (const [line, stderr] of wrong) {
  test(`"${line}": explains on stderr and exits 2`, async () => {
    const finished = await client.run(line === "" ? [] : line.split(" "));
    assert.match(finished.stderr, stderr);
    assert.deepEqual([finished.stdout, finished.code], ["", 2]);
  });
}

for (const line of ["--help", "instance --help", "instance create --help", "help instance", "--version"]) {
  test(`"${line}": answers on stdout and exits 0`, async () => {
    const { stdout, stderr, code } = await client.run(line.split(" "));
    assert.deepEqual([stderr, code], ["", 0]);
    assert.notEqual(stdout, "");
  });
}

test("an old completion line in a shell's start-up file: gets nothing to evaluate", async () => {
  const finished = await client.run([], { _SF_CLIENT_COMPLETE: "source" });
  assert.deepEqual(finished, { stdout: "", stderr: "", code: 0 });
});

test("credentials: come from ~/.shakenfist when nothing else names a namespace", async () => {
  await using api = await startApi({
    "POST /auth": (seen) => {
      assert.deepEqual(seen.body, { namespace: "mine", key: "k" });
      return { json: { access_token: "t" } };
    },
    "GET /instances": { json: [] },
  });
  const file = join(client.home, ".shakenfist");
  // A trailing slash has always worked.
  await writeFile(file, JSON.stringify({ namespace: "mine", key: "k", apiurl: `${api.url}/` }));
  const { code, stdout } = await client.run(["--simple", "instance", "list"]);
  await rm(file);
  assert.deepEqual([code, stdout], [0, "uuid,name,namespace,cpus,memory,hypervisor,power state,state\n"]);
});

test("--verbose: shows requests and answers on stderr, without key and token", async () => {
  await using api = await startApi({ "GET /instances": { json: [] } });
  const { stderr, code } = await client.run(["--verbose", "instance", "list"], credentialsFor(api));
  assert.equal(code, 0);
  assert.match(stderr, /-> GET \/instances \{"all":false\}\n<- 200 \[\]/);
  assert.doesNotMatch(stderr, /s3cret|token-1/);
});

test("a reader that leaves early: ends the client without a word", async () => {
  const rows = Array.from({ length: 5000 }, () => ({ ...event, message: "x".repeat(100) }));
  await using api = await startApi({ "GET /instances/i-1/events": { json: rows } });
  const env = { ...credentialsFor(api), PATH: process.env.PATH ?? "", HOME: client.home };
  const child = spawn(process.execPath, [client.file, "instance", "events", "i-1"], { env });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  child.stdout.once("data", () => child.stdout.destroy());
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.deepEqual([stderr, code], ["", 0]);
});

test("a full disk: is said on stderr, with exit 1", async () => {
  await using api = await startApi({ "GET /instances": { json: [] } });
  const full = openSync("/dev/full", "w");
  const env = { ...credentialsFor(api), PATH: process.env.PATH ?? "", HOME: client.home };
  const child = spawn(process.execPath, [client.file, "instance", "list"], {
    env,
    stdio: ["ignore", full, "pipe"],
  });
  closeSync(full);
  const exit = new Promise((resolve) => child.once("close", resolve));
  assert.ok(child.stderr);
  assert.match(await text(child.stderr), /^cannot write the output: ENOSPC.*\n$/);
  assert.equal(await exit, 1);
});
