// sf-client admin doctor: what it asks of which node, what it prints and its exit code.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Diagnosis, Finding } from "#shared/api/types.ts";
import { type Client, credentialsFor, openClient, type Routes, startApi } from "./api-server.ts";
import { node } from "./samples.ts";

let client: Client;
before(async () => {
  client = await openClient();
});
after(() => client[Symbol.asyncDispose]());

const nodes = ["sf-1", "sf-2"].map((name) => ({ ...node, name, state: "present" }));
const well: Diagnosis = {
  ...{ check: "libvirt", summary: "libvirt answers", scope: "node" },
  ...{ state: "ok", reason: null, findings: [] },
};
const leak: Finding = {
  ...{
    subject: "vxid/9",
    problem: "network x does not have it",
    mend: "etcdctl del /sf/vxid/9",
    mendable: true,
  },
};
const found: Diagnosis = {
  ...{ check: "vxids", summary: "Every number is a network's", scope: "cloud" },
  ...{ state: "found", reason: null, findings: [leak] },
};

async function run(routes: Routes, ...args: string[]) {
  await using api = await startApi({ "GET /nodes": { json: nodes }, ...routes });
  const finished = await client.run(args, credentialsFor(api));
  const asked = api.seen.slice(1).map(({ method, path, body }) => ({ request: `${method} ${path}`, body }));
  return { ...finished, asked };
}

test("admin doctor: asks the first node of everything, the others of themselves; all is well", async () => {
  const { stdout, code, asked } = await run(
    { "GET /nodes/sf-1/doctor": { json: [well] }, "GET /nodes/sf-2/doctor": { json: [well] } },
    ...["admin", "doctor"],
  );
  assert.deepEqual(asked, [
    { request: "GET /nodes/sf-1/doctor", body: {} },
    { request: "GET /nodes/sf-2/doctor", body: { scope: "node" } },
  ]);
  const lines = (name: string) => `node ${name}\n  ok      libvirt: libvirt answers\n`;
  assert.equal(stdout, `${lines("sf-1")}\n${lines("sf-2")}\nAll is well.\n`);
  assert.equal(code, 0);
});

test("admin doctor: says what is wrong and how to mend it, and names the node that is away", async () => {
  const { stdout, code, asked } = await run(
    {
      "GET /nodes": { json: [{ ...nodes[0], state: "away" }, nodes[1]] },
      "GET /nodes/sf-2/doctor": { json: [{ ...well, state: "unknown", reason: "no\u001banswer" }, found] },
    },
    ...["admin", "doctor"],
  );
  assert.deepEqual(asked, [{ request: "GET /nodes/sf-2/doctor", body: {} }]);
  assert.equal(
    stdout,
    `node sf-1: is away

node sf-2
  unknown libvirt: libvirt answers
          no\\x1banswer
  found   vxids: Every number is a network's
          vxid/9: network x does not have it
            mend: etcdctl del /sf/vxid/9

1 found, 1 not known, not asked: sf-1; sf-client admin doctor --fix mends 1 of them
`,
  );
  assert.equal(code, 1);
});

test("admin doctor --fix: mends, and tells what could not be", async () => {
  const failed = { ...leak, subject: "vxid/8", mended: false, failure: "changed meanwhile" };
  const done = { ...found, findings: [{ ...leak, mended: true }, failed] };
  const { stdout, code, asked } = await run(
    { "POST /nodes/sf-2/doctor": { json: [done] } },
    ...["admin", "doctor", "--fix", "--node", "sf-2", "--check", "vxids"],
  );
  assert.deepEqual(asked, [{ request: "POST /nodes/sf-2/doctor", body: { checks: ["vxids"] } }]);
  assert.match(stdout, /does not have it\n {12}mended\n {10}vxid\/8: .*\n {12}failed {2}changed meanwhile\n/);
  assert.match(stdout, /\n1 mended, 1 found\n$/);
  assert.equal(code, 1);
});

test("admin doctor --json, --simple: the same for programs, and the exit code alone tells the outcome", async () => {
  const routes: Routes = {
    "GET /nodes/sf-1/doctor": { status: 503, json: { error: "node sf-1: is away", status: 503 } },
    "GET /nodes/sf-2/doctor": { json: [found] },
  };
  const asJson = await run(routes, "--json", "admin", "doctor");
  assert.equal(asJson.code, 1);
  assert.deepEqual(JSON.parse(asJson.stdout), {
    nodes: [
      { node: "sf-1", reason: "cannot be asked: node sf-1: is away", checks: null },
      { node: "sf-2", reason: null, checks: [found] },
    ],
  });
  const simple = await run(routes, "--simple", "admin", "doctor");
  assert.equal(
    simple.stdout,
    `node,check,state,subject,problem,mend
sf-1,,unknown,,cannot be asked: node sf-1: is away,
sf-2,vxids,found,vxid/9,network x does not have it,etcdctl del /sf/vxid/9
`,
  );
});

test("admin doctor --node nosuch: says that there is none", async () => {
  const { stderr, code } = await run({}, "admin", "doctor", "--node", "nosuch");
  assert.match(stderr, /there is no node nosuch/);
  assert.equal(code, 2);
});
