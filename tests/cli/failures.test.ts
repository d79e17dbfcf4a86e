// The built sf-client as a process: what it prints and exits with when it cannot do what was asked.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { type Answer, type Client, credentialsFor, openClient, startApi } from "./api-server.ts";

let client: Client;
before(async () => {
  client = await openClient();
});
after(() => client[Symbol.asyncDispose]());

const refusals: readonly [status: number, answer: Answer, stdout: string][] = [
  [400, { json: { error: "no key specified" } }, "ERROR: Malformed Request: no key specified"],
  [403, { json: { error: "you cannot" } }, "ERROR: Cannot delete resource: you cannot"],
  [
    403,
    { json: { error: { deleted: ["a"], unable: ["b"] } } },
    "ERROR: Cannot delete resource: {'deleted': ['a'], 'unable': ['b']}",
  ],
  [404, { json: { error: "network not found" } }, "ERROR: Resource not found: network not found"],
  [404, {}, "ERROR: Resource not found: this server does not offer DELETE /networks/n-1"],
  [405, { json: { message: "not allowed" } }, "ERROR: Unexpected answer 405: not allowed"],
  [409, { json: { error: "address in use" } }, "ERROR: Resource in use: address in use"],
  [500, { raw: '{"error": "server error"}\n' }, 'ERROR: Internal Server Error: {"error": "server error"}'],
  [502, { raw: "Bad Gateway\n", type: "text/plain" }, "ERROR: Unexpected answer 502: Bad Gateway"],
  [503, { json: { error: "etcd is away" } }, "ERROR: Service unavailable: etcd is away"],
  [507, { json: { error: "No nodes with metrics" } }, "ERROR: Insufficient Resources: No nodes with metrics"],
  [
    308,
    { raw: "", headers: { location: "https://x/" } },
    "ERROR: Unexpected answer 308: the API has moved to https://x/",
  ],
];
for (const [status, answer, stdout] of refusals) {
  test(`a ${status}: prints "${stdout}" and exits 1`, async () => {
    const route =
      status === 404 && answer.json === undefined ? {} : { "DELETE /networks/n-1": { ...answer, status } };
    await using api = await startApi(route);
    for (const format of ["--pretty", "--json"]) {
      const finished = await client.run([format, "network", "delete", "n-1"], credentialsFor(api));
      assert.deepEqual(finished, { stdout: `${stdout}\n`, stderr: "", code: 1 });
    }
  });
}

test("a 401: logs in again and repeats the call once", async () => {
  await using api = await startApi({
    "GET /instances": ({ authorization }) =>
      authorization === "Bearer token-2" ? { json: [] } : { status: 401, json: { error: "expired" } },
  });
  assert.equal((await client.run(["instance", "list"], credentialsFor(api))).code, 0);
  assert.equal(api.logins, 2);
  assert.equal(api.seen.length, 2);
});

test("a second 401: is not authorized", async () => {
  await using api = await startApi({ "GET /nodes": { status: 401, json: { error: "unauthorized" } } });
  const { stdout, stderr, code } = await client.run(["node", "list"], credentialsFor(api));
  assert.deepEqual([stdout, code, api.seen.length], ["ERROR: Not authorized\n", 1, 2]);
  assert.match(stderr, /SHAKENFIST_NAMESPACE/);
});

for (const status of [400, 401, 429, 500]) {
  test(`a login answered ${status}: is not authorized, with the reason on stderr`, async () => {
    await using api = await startApi({ "POST /auth": { status, json: { error: "wrong key" } } });
    const { stdout, stderr, code } = await client.run(["node", "list"], credentialsFor(api));
    assert.deepEqual([stdout, code], ["ERROR: Not authorized\n", 1]);
    assert.match(stderr, new RegExp(`login answered ${status}: wrong key`));
  });
}

test("no connection: says so and exits 1 (fault 60)", async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  for (const apiurl of [url, "nonsense", "ftp://localhost/"]) {
    const line = ["--namespace", "a", "--key", "b", "--apiurl", apiurl, "node", "list"];
    const { stdout, stderr, code } = await client.run(line);
    assert.match(stdout, /^ERROR: Unable to connect to server: .+\n$/);
    assert.doesNotMatch(stderr, / at /);
    assert.equal(code, 1);
  }
});

for (const raw of ["<html>", "", "{", '{"a":']) {
  test(`an answer "${raw}" that is not JSON: says so and exits 1`, async () => {
    await using api = await startApi({ "GET /instances": { raw } });
    const { stdout, stderr, code } = await client.run(["instance", "list"], credentialsFor(api));
    assert.match(stdout, /^ERROR: Unable to connect to server: .*not JSON/);
    assert.doesNotMatch(stderr, / at /);
    assert.equal(code, 1);
  });
}

for (const [group, reference] of [
  ["instance", "/instances/x"],
  ["network", "/networks/x"],
  ["interface", "/interfaces/x"],
] as const) {
  test(`${group} show: an empty answer is not found`, async () => {
    for (const json of [null, {}]) {
      await using api = await startApi({ [`GET ${reference}`]: { json } });
      const { stdout, code } = await client.run([group, "show", "x"], credentialsFor(api));
      assert.equal(stdout, `${group[0]?.toUpperCase()}${group.slice(1)} not found\n`);
      assert.equal(code, 1);
    }
  });
}

test("namespace show: one that is not listed is not found", async () => {
  await using api = await startApi({ "GET /auth/namespaces": { json: ["system"] } });
  const finished = await client.run(["namespace", "show", "bob"], credentialsFor(api));
  assert.deepEqual(finished, { stdout: "Namespace not found\n", stderr: "", code: 1 });
});

const sentences: readonly [line: string, stdout: string][] = [
  ["namespace clean", "You must be sure. Use option --confirm."],
  ["network delete-all", "You must be sure. Use option --confirm."],
  ["instance delete-all", "You must be sure. Use option --confirm."],
  ["instance create x 1 1024", "You must specify at least one disk"],
  ["instance create x 1 1024 -d big", "Disk size is not an integer"],
  ["instance create x 1 1024 -D 8", "Error in disk specification - should be key=value: 8"],
  ["instance create x 1 1024 -d 8 -N n", "Error in network specification - should be key=value: n"],
  ["instance create x 1 1024 -d 8 -V vga", "Error in video specification - should be key=value: vga"],
];
for (const [line, stdout] of sentences) {
  test(`${line}: says "${stdout}", sends nothing and exits 1`, async () => {
    await using api = await startApi({});
    const finished = await client.run(line.split(" "), credentialsFor(api));
    assert.deepEqual(finished, { stdout: `${stdout}\n`, stderr: "", code: 1 });
    assert.deepEqual([api.seen, api.logins], [[], 0]);
  });
}

test('instance show "": is refused rather than listing everything', async () => {
  await using api = await startApi({});
  for (const reference of ["", ".."]) {
    const { stdout, code } = await client.run(["instance", "show", reference], credentialsFor(api));
    assert.match(stdout, /^ERROR: Malformed Request: /);
    assert.equal(code, 1);
  }
  assert.deepEqual(api.seen, []);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 1;
}
