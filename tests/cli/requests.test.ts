// The built sf-client as a process: what its commands send to the API.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Answer, type Client, credentialsFor, openClient, startApi } from "./api-server.ts";
import { instance, network, nic, nodeDetails, snapshot } from "./samples.ts";

let client: Client;
before(async () => {
  client = await openClient();
});
after(() => client[Symbol.asyncDispose]());

const shownInstance = {
  "GET /instances/i-1": { json: instance },
  "GET /instances/i-1/metadata": { json: {} },
  "GET /instances/i-1/interfaces": { json: [nic] },
};
const shownNetwork = { "GET /networks/n-1/metadata": { json: {} } };

/** Command line → the request it makes, for commands that make one and print nothing, or {} as JSON. */
const acts: readonly [line: string, request: string, body: unknown, json: string][] = [
  ["namespace create bob", "POST /auth/namespaces", { namespace: "bob" }, ""],
  ["namespace delete bob", "DELETE /auth/namespaces/bob", undefined, ""],
  ["namespace add-key bob ci k", "POST /auth/namespaces/bob/keys", { key_name: "ci", key: "k" }, ""],
  ["namespace delete-key bob ci", "DELETE /auth/namespaces/bob/keys/ci", undefined, ""],
  ["namespace set-metadata bob a/b v", "PUT /auth/namespaces/bob/metadata/a%2Fb", { value: "v" }, "{}\n"],
  ["namespace delete-metadata bob a", "DELETE /auth/namespaces/bob/metadata/a", undefined, "{}\n"],
  ["network delete n-1", "DELETE /networks/n-1", undefined, "{}\n"],
  ["network delete-all --confirm", "DELETE /networks", { confirm: true, namespace: null }, ""],
  ["network set-metadata n-1 a v", "PUT /networks/n-1/metadata/a", { value: "v" }, "{}\n"],
  ["network delete-metadata n-1 a", "DELETE /networks/n-1/metadata/a", undefined, "{}\n"],
  [
    "instance delete-all --confirm --namespace bob",
    "DELETE /instances",
    { confirm: true, namespace: "bob" },
    "",
  ],
  ["instance set-metadata i-1 a v", "PUT /instances/i-1/metadata/a", { value: "v" }, "{}\n"],
  ["instance delete-metadata i-1 a", "DELETE /instances/i-1/metadata/a", undefined, "{}\n"],
  ["instance reboot i-1", "POST /instances/i-1/rebootsoft", undefined, "{}\n"],
  ["instance reboot i-1 --hard", "POST /instances/i-1/reboothard", undefined, "{}\n"],
  ["instance poweron i-1", "POST /instances/i-1/poweron", undefined, "{}\n"],
  ["instance poweroff i-1", "POST /instances/i-1/poweroff", undefined, "{}\n"],
  ["instance pause i-1", "POST /instances/i-1/pause", undefined, "{}\n"],
  ["instance unpause i-1", "POST /instances/i-1/unpause", undefined, "{}\n"],
  ["instance snapshot-delete i-1 s-1", "DELETE /instances/i-1/snapshot/s-1", undefined, "{}\n"],
  ["interface float f-1", "POST /interfaces/f-1/float", undefined, "{}\n"],
  ["interface defloat f-1", "POST /interfaces/f-1/defloat", undefined, "{}\n"],
  ["node cordon sf-2", "POST /nodes/sf-2/cordon", undefined, "{}\n"],
  ["node uncordon sf-2", "POST /nodes/sf-2/uncordon", undefined, "{}\n"],
  ["image cache cirros", "POST /images", { url: "cirros" }, "{}\n"],
  [
    "image cache u --checksum md5:0 --node sf-1 --node sf-2",
    "POST /images",
    { url: "u", checksum: "md5:0", node: ["sf-1", "sf-2"] },
    "{}\n",
  ],
  ["image cache u --all-nodes", "POST /images", { url: "u", all: true }, "{}\n"],
];
for (const [line, request, body, json] of acts) {
  test(`${line}: sends ${request}`, async () => {
    await using api = await startApi({ [request]: { json: null } });
    assert.deepEqual(await client.run(["--json", ...line.split(" ")], credentialsFor(api)), {
      stdout: json,
      stderr: "",
      code: 0,
    });
    const sent = api.seen.map(({ method, path, body }) => ({ request: `${method} ${path}`, body }));
    assert.deepEqual(sent, [{ request, body }]);
  });
}

const lists: readonly [line: string, request: string, body: unknown][] = [
  ["instance list", "GET /instances", { all: false }],
  ["instance list -a", "GET /instances", { all: true }],
  ["instance list True", "GET /instances", { all: true }],
  ["network list --all", "GET /networks", { all: true }],
  ["network list no", "GET /networks", { all: false }],
  ["image list --node sf-1", "GET /images", { node: "sf-1" }],
  ["image list -a", "GET /images", { node: null, all: true }],
  ["instance snapshot i-1 -a", "POST /instances/i-1/snapshot", { all: true, wait: false }],
  ["instance snapshot i-1 true", "POST /instances/i-1/snapshot", { all: true, wait: false }],
  ["instance consoledata i-1", "GET /instances/i-1/consoledata", { length: 10240 }],
  ["instance consoledata i-1 -1", "GET /instances/i-1/consoledata", { length: -1 }],
];
for (const [line, request, body] of lists) {
  test(`${line}: sends ${JSON.stringify(body)} with ${request}`, async () => {
    const json = request.startsWith("POST") ? "s-1" : [];
    const made = { "GET /instances/i-1/snapshot": { json: [{ ...snapshot, uuid: "s-1" }] } };
    await using api = await startApi({ ...made, [request]: { json } });
    const { code, stdout } = await client.run(line.split(" "), credentialsFor(api));
    assert.equal(code, 0, stdout);
    assert.deepEqual(api.seen[0]?.body, body);
    assert.equal(api.seen[0]?.contentType, "application/json");
  });
}

for (const args of [
  ["mynet", "10.0.0.0/24"],
  ["10.0.0.0/24", "mynet"],
]) {
  test(`network create ${args.join(" ")}: tells name and block apart`, async () => {
    await using api = await startApi({ "POST /networks": { json: network }, ...shownNetwork });
    const line = ["network", "create", ...args, "--no-nat"];
    const { stdout, code } = await client.run(line, credentialsFor(api));
    assert.equal(code, 0);
    const flags = { provide_dhcp: true, provide_nat: false };
    assert.deepEqual(api.seen[0]?.body, {
      name: "mynet",
      netblock: "10.0.0.0/24",
      ...flags,
      namespace: null,
    });
    assert.match(stdout, /^uuid {12}: n-1\n/);
  });
}

test("instance create: sends -d before -D and -n before -N, files and the video card, then shows it", async () => {
  await using api = await startApi({ "POST /instances": { json: instance }, ...shownInstance });
  const userdata = join(client.home, "user-data");
  await writeFile(userdata, "#!/bin/sh");
  const options = [
    "-D",
    "size=4,bus=ide",
    "-d",
    "8@cirros",
    "-N",
    "network_uuid=n-2,model=e1000",
    "-n",
    "n-1@10.0.0.5",
  ];
  const more = ["-I", "ssh-rsa AAAA", "-u", userdata, "-p", "sf-2", "-V", "memory=1024"];
  const line = ["--json", "instance", "create", "web", "1", "1024", ...options, ...more];
  const { stdout, stderr, code } = await client.run(line, credentialsFor(api));
  assert.deepEqual([stderr, code], ["", 0]);
  assert.deepEqual(api.seen[0]?.body, {
    name: "web",
    cpus: 1,
    memory: 1024,
    disk: [
      { size: 8, base: "cirros", bus: null, type: "disk" },
      { size: 4, bus: "ide" },
    ],
    network: [
      { network_uuid: "n-1", address: "10.0.0.5", macaddress: null, model: "virtio" },
      { network_uuid: "n-2", model: "e1000" },
    ],
    ssh_key: "ssh-rsa AAAA",
    user_data: "IyEvYmluL3No",
    video: { model: "cirrus", memory: 1024 },
    namespace: null,
    placed_on: "sf-2",
  });
  assert.equal(JSON.parse(stdout).network_interfaces[0].ipv4, "10.0.0.5");
});

test("instance create: takes 2 for 2 GB, and says so on stderr unless JSON was asked for", async () => {
  await using api = await startApi({ "POST /instances": { json: instance }, ...shownInstance });
  const line = ["instance", "create", "web", "1", "2", "-d", "8"];
  const { stdout, stderr } = await client.run(line, credentialsFor(api));
  assert.equal(Object(api.seen[0]?.body).memory, 2048);
  assert.equal(stderr.match(/^WARNING: /gm)?.length, 2);
  assert.match(stdout, /^uuid/);
  assert.equal((await client.run(["--json", ...line], credentialsFor(api))).stderr, "");
});

test("instance create: waits while it is under way, and warns when it ends in error", async () => {
  const states = ["preflight", "creating", "error"];
  const failed = { ...instance, state: "error", error_message: "no such image" };
  await using api = await startApi({
    ...shownInstance,
    "POST /instances": { json: { ...instance, state: "initial" } },
    "GET /instances/i-1": () => ({ json: { ...failed, state: states.shift() ?? "error" } }),
  });
  const line = ["instance", "create", "web", "1", "1024", "-d", "8"];
  const { stdout, stderr, code } = await client.run(line, credentialsFor(api));
  assert.equal(code, 0);
  assert.match(stdout, /^state {8}: error$/m);
  assert.equal(stderr, "WARNING: instance i-1 is in state error: no such image\n");
  assert.deepEqual(states, []);
});

test("instance delete: resolves a name once, and waits until it is gone", async () => {
  const answers: Answer[] = [{ json: instance }, { json: { ...instance, state: "deleted" } }];
  await using api = await startApi({
    "GET /instances/web": { json: instance },
    "DELETE /instances/i-1": { json: null },
    "GET /instances/i-1": () => answers.shift() ?? { status: 404, json: { error: "instance not found" } },
  });
  const finished = await client.run(["instance", "delete", "web"], credentialsFor(api));
  assert.deepEqual(finished, { stdout: "", stderr: "", code: 0 });
  assert.deepEqual(answers, []);
});

test("image cache --wait: waits for a new outcome of each node, and fails with the reason of one", async () => {
  const told = (fqdn: string, timestamp: number, message: string) => ({
    ...{ object_type: "image", object_uuid: "u", operation: "fetch", phase: null, duration: null },
    ...{ fqdn, timestamp, message },
  });
  const old = [told("sf-1", 1, "success"), told("sf-2", 1, "Error: long ago")];
  const answers: object[][] = [old, old, [...old, told("sf-1", 2, "success")]];
  let last = [...old, told("sf-1", 2, "success"), told("sf-2", 2, "success")];
  await using api = await startApi({
    "POST /images": { json: null },
    "GET /images": { json: [] },
    "GET /images/events": () => ({ json: answers.shift() ?? last }),
  });
  const line = ["image", "cache", "u", "--node", "sf-1", "--node", "sf-2", "--wait"];
  assert.deepEqual(await client.run(line, credentialsFor(api)), { stdout: "", stderr: "", code: 0 });
  assert.equal(answers.length, 0);
  answers.push(last);
  last = [...last, told("sf-2", 3, "Error: image u: it is a web page")];
  const failed = await client.run(line, credentialsFor(api));
  assert.deepEqual(failed, { stdout: "sf-2: Error: image u: it is a web page\n", stderr: "", code: 1 });
  const late = await client.run([...line, "--timeout", "0"], credentialsFor(api));
  assert.equal(late.stdout, "after 0 s not there yet: sf-1, sf-2\n");
});

test("image show: nothing of it anywhere is said, and fails", async () => {
  await using api = await startApi({ "GET /images": { json: [] }, "GET /images/events": { json: [] } });
  const { stdout, code } = await client.run(["image", "show", "u"], credentialsFor(api));
  assert.equal(stdout, "Image not found: no node has u, and nobody has asked for it\n");
  assert.equal(code, 1);
});

test("node drain --wait: asks until nothing is left, and fails when the time is up", async () => {
  const left = [...nodeDetails.instances];
  await using api = await startApi({
    "POST /nodes/sf-1/drain": { json: nodeDetails.instances },
    "GET /nodes/sf-1": () => ({ json: { ...nodeDetails, instances: left.splice(0) } }),
  });
  const line = ["--simple", "node", "drain", "sf-1", "--wait"];
  const titles = "uuid,name,namespace,power state,state\n";
  assert.deepEqual(await client.run(line, credentialsFor(api)), { stdout: titles, stderr: "", code: 0 });
  assert.equal(api.seen.length, 3);
  left.push(...nodeDetails.instances);
  const late = await client.run([...line, "--timeout", "0"], credentialsFor(api));
  assert.equal(late.code, 1);
  assert.match(late.stdout, /node sf-1: after 0 s, instances left: 1\n$/);
});

test("node remove: asks to be sure, and lists what was lost", async () => {
  await using api = await startApi({ "DELETE /nodes/sf-2": { json: ["i-1"] } });
  const line = ["--json", "node", "remove", "sf-2"];
  const unsure = await client.run(line, credentialsFor(api));
  assert.deepEqual([unsure.code, api.seen.length], [1, 0]);
  const { stdout } = await client.run([...line, "--confirm"], credentialsFor(api));
  assert.deepEqual(JSON.parse(stdout), { lost_instances: [{ uuid: "i-1" }] });
});

test("namespace clean: deletes networks only when the instances are gone", async () => {
  await using api = await startApi({
    "DELETE /instances": { json: ["i-1"] },
    "GET /instances/i-1": { status: 404, json: { error: "instance not found" } },
    "DELETE /networks": { json: ["n-1"] },
  });
  const line = ["namespace", "clean", "--confirm", "--namespace", "bob"];
  assert.deepEqual(await client.run(line, credentialsFor(api)), { stdout: "", stderr: "", code: 0 });
  const sent = api.seen.map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(sent, ["DELETE /instances", "GET /instances/i-1", "DELETE /networks"]);
  assert.deepEqual(api.seen[2]?.body, { confirm: true, namespace: "bob" });
});

test("instance consoledata: passes on the very bytes", async () => {
  const bytes = Buffer.from([0x1b, 0xff, 0x00, 0x0d, 0x0a, 0x41]);
  await using api = await startApi({
    "GET /instances/i-1/consoledata": { raw: bytes, type: "text/plain" },
  });
  const env = { ...credentialsFor(api), PATH: process.env.PATH ?? "", HOME: client.home };
  const child = spawn(process.execPath, [client.file, "--json", "instance", "consoledata", "i-1"], { env });
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk);
  assert.deepEqual(Buffer.concat(chunks), bytes);
});

test("instance consoledata --follow: passes on the very bytes until there are no more", async () => {
  const bytes = Buffer.from([0x1b, 0xff, 0x00, 0x0d, 0x0a, 0x41]);
  await using api = await startApi({ "GET /instances/i-1/console": { raw: bytes, type: "text/plain" } });
  const env = { ...credentialsFor(api), PATH: process.env.PATH ?? "", HOME: client.home };
  for (const [line, length] of [
    ["consoledata i-1 --follow", 10_240],
    ["consoledata -f i-1 0", 0],
  ] as const) {
    const child = spawn(process.execPath, [client.file, "instance", ...line.split(" ")], { env });
    const chunks: Buffer[] = [];
    for await (const chunk of child.stdout) chunks.push(chunk);
    assert.deepEqual(Buffer.concat(chunks), bytes);
    assert.deepEqual(api.seen.at(-1)?.body, { length });
  }
});
