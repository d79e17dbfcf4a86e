// What commands print, against text derived from the old client's layouts: columns, labels and padding are parsed by scripts.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { ApiClient } from "#shared/api/client.ts";
import { commands } from "../../cli/commands.ts";
import { type Format, Output } from "../../cli/output.ts";
import { type Routes, startApi } from "./api-server.ts";
import { event, instance, network, nic, node, nodeDetails, snapshot } from "./samples.ts";

process.env.TZ = "UTC";

const routes = {
  "GET /nodes": { json: [node, { ...node, name: "sf-2", state: "away", roles: ["hypervisor"] }] },
  "GET /nodes/sf-1": { json: nodeDetails },
  "GET /nodes/sf-1/events": { json: [{ ...event, object_type: "node", operation: "cordon" }] },
  "POST /nodes/sf-1/drain": { json: nodeDetails.instances },
  "GET /auth/namespaces": { json: ["system", "alice"] },
  "GET /auth/namespaces/alice/keys": { json: ["laptop", "ci"] },
  "GET /auth/namespaces/alice/metadata": { json: { owner: "Alice", cost: "7" } },
  "GET /networks": { json: [network] },
  "GET /networks/mynet": { json: network },
  "GET /networks/n-1/metadata": { json: { colour: "red", "a-long-label": { b: [true, null] } } },
  "GET /networks/mynet/events": { json: [{ ...event, object_type: "network" }] },
  "GET /networks/mynet/interfaces": { json: [{ ...nic, floating: "192.168.20.9" }] },
  "GET /instances": { json: [instance] },
  "GET /instances/web": { json: instance },
  "GET /instances/web/events": { json: [event] },
  "GET /instances/i-1/metadata": { json: { role: "frontend" } },
  "GET /instances/i-1/interfaces": { json: [nic] },
  "GET /instances/i-1/snapshot": { json: [snapshot] },
  "GET /instances/web/snapshot": { json: [{ ...snapshot, uuid: "s-2" }] },
  "POST /instances/web/snapshot": { json: "s-2" },
  "GET /interfaces/f-1": { json: nic },
  "GET /images": {
    json: [
      imageMeta("http://z/long-name.img", "sf-1"),
      { ...imageMeta("http://a/b.img", "sf-2"), size: null, modified: null },
    ],
  },
  "GET /images/events": { json: [{ ...event, object_type: "image", operation: "fetch" }] },
  "GET /admin/locks": { json: { "/sflocks/sf/queue/sf-2": { node: "sf-2", pid: 12, operation: null } } },
};

function imageMeta(url: string, node: string) {
  const times = { modified: "Mon, 12 Oct 2020 00:00:00 GMT", fetched: "Tue, 13 Oct 2020 00:00:00 -0000" };
  return { url, checksum: "abc", size: "16338944", ...times, file_version: 1, version: 1, ref: "r1", node };
}

function nameOf(file: string): string {
  return (
    Object.keys(commands).find((name) => name.replaceAll(" ", "-") === file || name === file) ??
    assert.fail(file)
  );
}

/** `file` is the command's name, with "-" or spaces. */
async function printed(
  format: Format,
  file: string,
  args = given[nameOf(file)] ?? {},
  answers: Routes = routes,
): Promise<string> {
  await using fake = await startApi(answers);
  const api = new ApiClient({ url: fake.url, namespace: "alice", key: "k" });
  let text = "";
  const out = new Output(format, {
    write: (data) => {
      text += data;
    },
    warn: assert.fail,
  });
  await commands[nameOf(file)]?.run({ api, out }, { args, options: {} });
  return text;
}

/** What a command is given; the rest take nothing. */
const given: Readonly<Record<string, Record<string, string>>> = {
  "node show": { node: "sf-1" },
  "node events": { node: "sf-1" },
  "node drain": { node: "sf-1" },
  "namespace show": { namespace: "alice" },
  "namespace get-metadata": { namespace: "alice" },
  "network show": { network: "mynet" },
  "network events": { network: "mynet" },
  "network instances": { network: "mynet" },
  "instance show": { instance: "web", snapshots: "true" },
  "instance events": { instance: "web" },
  "instance snapshot": { instance: "web" },
  "instance snapshot-list": { instance: "web" },
  "interface show": { uuid: "f-1" },
  "image show": { url: "http://a/b.img" },
};

const golden = new URL("golden/", import.meta.url);
for (const file of readdirSync(golden)) {
  const [name = "", format = ""] = file.split(".");
  test(`${name}: prints its ${format} form (fault 60)`, async () => {
    assert.equal(await printed(format as Format, name), readFileSync(new URL(file, golden), "utf8"));
  });
}

test("a list of nothing: prints its titles", async () => {
  const empty = { ...routes, "GET /nodes": { json: [] } };
  const titles = "name,ip,lastseen,version,state,roles,cordoned\n";
  assert.equal(await printed("simple", "node list", {}, empty), titles);
  assert.equal(await printed("json", "node list", {}, empty), '{\n    "nodes": []\n}\n');
  assert.equal((await printed("pretty", "node list", {}, empty)).split("\n").length, 5);
});

test("text that would steer a terminal: is shown, not obeyed, in pretty", async () => {
  const hostile = {
    ...routes,
    "GET /instances/web/events": { json: [{ ...event, message: "a\u001b[2Jb" }] },
  };
  assert.match(await printed("pretty", "instance events", undefined, hostile), /a\\x1b\[2Jb/);
});

test("instance show: gives programs its known fields, and snapshots only if asked", async () => {
  const shown = JSON.parse(await printed("json", "instance show", { instance: "web" }));
  const fields = [
    ...[
      "uuid",
      "name",
      "namespace",
      "cpus",
      "memory",
      "disk_spec",
      "video",
      "node",
      "console_port",
      "vdi_port",
    ],
    ...["ssh_key", "user_data", "power_state", "state", "network_interfaces", "metadata"],
  ];
  assert.deepEqual(Object.keys(shown), fields.toSorted());
  const { uuid, network_uuid, macaddr, order, ipv4, floating, model } = nic;
  assert.deepEqual(shown.network_interfaces, [{ uuid, network_uuid, macaddr, order, ipv4, floating, model }]);
  const asked = JSON.parse(await printed("json", "instance show", { instance: "web", snapshots: "yes" }));
  assert.deepEqual(asked.snapshots, [{ uuid: "s-1", device: "vda", created: 1602463847 }]);
});

test("network events: gives programs the rows under the new and the old name", async () => {
  const { events, networks } = JSON.parse(await printed("json", "network events"));
  assert.deepEqual(events, networks);
  assert.equal(events[0].timestamp, 1602463847.25);
  assert.equal(events[0].fqdn, "sf-1");
});

test("image list: gives programs what the API sent, on one line", async () => {
  const text = await printed("json", "image list");
  assert.equal(text.trimEnd().split("\n").length, 1);
  assert.deepEqual(JSON.parse(text), routes["GET /images"].json);
});

test("image list --all: shows people sizes in units, how far a fetch is, and why one was refused", async () => {
  await using fake = await startApi({
    "GET /images": {
      json: [
        {
          ...imageMeta("http://a/b.img", "sf-1"),
          ...{ state: "cached", phase: null, done: null, total: null, reason: null },
          ...{ format: "qcow2", virtual_size: 2 ** 31, sha256: "ab", used: "now", in_use: 2 },
        },
        {
          ...imageMeta("http://c", "sf-2"),
          ...{
            state: "fetching",
            phase: "download",
            done: 2 ** 20,
            total: 4 * 2 ** 20,
            reason: null,
            size: null,
          },
        },
        { ...imageMeta("http://d", "sf-2"), state: "bad", reason: "it is a web page", size: "12" },
      ],
    },
  });
  const api = new ApiClient({ url: fake.url, namespace: "alice", key: "k" });
  let text = "";
  const write = (data: string | Buffer) => {
    text += data;
  };
  const out = new Output("simple", { write, warn: assert.fail });
  await commands["image list"]?.run({ api, out }, { args: {}, options: { all: true } });
  assert.equal(
    text,
    "url,node,state,progress,format,size,disk,in use,used\n" +
      "http://a/b.img,sf-1,cached,,qcow2,15.6 MiB,2.0 GiB,2,now\n" +
      "http://c,sf-2,fetching,download 25 % of 4.0 MiB,,,,,\n" +
      "http://d,sf-2,bad,it is a web page,,12 B,,,\n",
  );
});
