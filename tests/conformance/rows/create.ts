// POST /instances: what it takes, and what it refuses before anything is made.
import { json, refused } from "../answers.ts";
import { configDrive, device, instance } from "../objects.ts";
import type { Row } from "../row.ts";
import { objectWith, text } from "../shape.ts";

const of = "POST /instances";
const small = { name: "first", cpus: 1, memory: 64, disk: [{ size: 1 }] };
const HOST = refused(400, "instance name must be useable as a DNS host name");
const NO_DISK = refused(400, "instance must specify at least one disk");
const DISK_OBJECT = refused(400, "disk specification should contain JSON objects");
const NIC_OBJECT = refused(400, "network specification should contain JSON objects");
const OUTSIDE = refused(400, "network specification requests an address outside the range of the network");
const nic = (more: object = {}) => ({ network: [{ network_uuid: "{network}", ...more }] });

type Refusal = [says: string, more: Record<string, unknown>, gets: ReturnType<typeof refused>];
const refusals: Refusal[] = [
  ["no name", { name: undefined }, HOST],
  ["a name that is empty", { name: "" }, HOST],
  ["a name that is a number", { name: 7 }, HOST],
  ["a name with a dot", { name: "a.b" }, HOST],
  ["a name with a line", { name: "a\n" }, HOST],
  ["a name that is too long", { name: "x".repeat(64) }, HOST],
  ["a node that there is not", { placed_on: "nosuch" }, refused(404, "Specified node does not exist")],
  ["a node that is away", { placed_on: "ghost" }, refused(507, /^No nodes with metrics: /)],
  ["no disks", { disk: undefined }, NO_DISK],
  ["disks that are null", { disk: null }, NO_DISK],
  ["an empty list of disks", { disk: [] }, NO_DISK],
  ["disks that are text", { disk: "8@cirros" }, NO_DISK],
  ["a disk that is text", { disk: ["8@cirros"] }, DISK_OBJECT],
  ["a disk that is null", { disk: [null] }, DISK_OBJECT],
  ["a disk's size that is a word", { disk: [{ size: "banana" }] }, refused(400, /^disk size must be/)],
  ["a disk's size of nothing", { disk: [{ size: 0 }] }, refused(400, /^disk size must be/)],
  [
    "a disk's bus that is none",
    { disk: [{ size: 1, bus: "sata'/>" }] },
    refused(400, /^disk bus is none of/),
  ],
  ["a disk's type that is none", { disk: [{ size: 1, type: "floppy" }] }, refused(400, /^disk type is/)],
  ["an unknown key of a disk", { disk: [{ sice: 1 }] }, refused(400, /^unknown argument 'sice' in disk\.0/)],
  [
    "a disk of nothing at all",
    { disk: [{ bus: "virtio" }] },
    refused(400, "a disk needs a size, a base or both"),
  ],
  [
    "a disk's checksum that is none",
    { disk: [{ base: "{images}/none", checksum: "sha256:x" }] },
    refused(400, /^disk checksum '/),
  ],
  [
    "a checksum of a blank disk",
    { disk: [{ size: 1, checksum: `md5:${"0".repeat(32)}` }] },
    refused(400, /^a disk's checksum is that of its base/),
  ],
  [
    "too many disks on ide",
    { disk: Array(4).fill({ size: 1, bus: "ide" }) },
    refused(400, /^only the first three disks/),
  ],
  ["too little video memory", { video: { memory: 1 } }, refused(400, /^video memory \(KiB\) must be/)],
  ["too many disks", { disk: Array(25).fill({ size: 1 }) }, refused(400, /more than 24 disks$/)],
  ["a network that is text", { network: ["{network}"] }, NIC_OBJECT],
  ["networks that are text", { network: "{network}" }, NIC_OBJECT],
  [
    "a network without its uuid",
    { network: [{}] },
    refused(400, "network specification is missing network_uuid"),
  ],
  [
    "a network that there is not",
    { network: [{ network_uuid: "{nowhere}" }] },
    refused(404, "network {nowhere} not found"),
  ],
  [
    "another's network",
    { network: [{ network_uuid: "{network_b}" }] },
    refused(404, "network {network_b} not found"),
  ],
  [
    "the floating network",
    { network: [{ network_uuid: "floating" }] },
    refused(404, "network floating not found"),
  ],
  [
    "a network's name that two have",
    { network: [{ network_uuid: "twin" }] },
    refused(400, /^network name 'twin' is ambiguous/),
  ],
  ["an address outside", nic({ address: "10.0.1.5" }), OUTSIDE],
  ["the router's address", nic({ address: "10.0.0.1" }), OUTSIDE],
  ["an address with a command", nic({ address: "10.0.0.5; id" }), OUTSIDE],
  [
    "a MAC that is none",
    nic({ macaddress: "02:00:00:00:00:01,x" }),
    refused(400, /^macaddress must look like/),
  ],
  ["a model that is none", nic({ model: "x'/>" }), refused(400, /^network model is none of/)],
  ["a video model that is none", { video: { model: "x" } }, refused(400, /^video model is none of/)],
  [
    "another namespace",
    { namespace: "b" },
    refused(401, "only admins can create resources in a different namespace"),
  ],
  [
    "a UUID of one's own",
    { instance_uuid: "{nowhere}" },
    refused(401, "only system can specify an instance uuid"),
  ],
  ["a UUID that is none", { instance_uuid: "../x" }, refused(400, "instance_uuid is not a UUID")],
  ["cpus that are null", { cpus: null }, refused(400, /^cpus must be/)],
  ["cpus that are text", { cpus: "1" }, refused(400, /^cpus must be/)],
  ["no cpus", { cpus: 0 }, refused(400, /^cpus must be/)],
  ["memory that is negative", { memory: -1 }, refused(400, /^memory must be/)],
  ["memory that is a fraction", { memory: 64.5 }, refused(400, /^memory must be/)],
  ["user_data that is not base64", { user_data: "#!/bin/sh" }, refused(400, "user_data is not base64")],
  ["ssh_key that is a list", { ssh_key: ["x"] }, refused(400, "ssh_key is not a string")],
  ["an argument that there is not", { imag: "x" }, refused(400, "unknown argument 'imag'")],
  ["more vCPUs than any node has", { cpus: 512 }, refused(507, /^Requested vCPUs exceeds vCPU limit: /)],
  [
    "more memory than any node has",
    { memory: 16 * 1024 * 1024 },
    refused(507, /^No nodes with enough idle RAM: /),
  ],
  [
    "more disk than any node has",
    { disk: Array(8).fill({ size: 64 * 1024 }) },
    refused(507, /^No nodes with enough disk space: /),
  ],
];

const all = {
  ...{ name: "first", cpus: 1, memory: 64, ssh_key: "ssh-rsa AAAA x", user_data: "IyEvYmluL3NoCg==" },
  disk: [
    { size: "1", base: "", bus: "virtio", type: "" },
    { size: 1, bus: "ide" },
  ],
  network: [
    { network_uuid: "{network}", address: "10.0.0.9", macaddress: "02:00:00:AA:bb:01", model: "e1000" },
    { network_uuid: "net", address: "", macaddress: null, model: "" },
  ],
  video: { model: "vga", memory: "8192" },
  ...{ placed_on: "sf-test", namespace: null },
};
const made = instance({
  disk_spec: [
    { size: 1, base: null, bus: "virtio", type: "disk" },
    { size: 1, base: null, bus: "ide", type: "disk" },
  ],
  block_devices: { devices: [device("vda", 1), configDrive("vdb"), device("hdc", 1)], finalized: true },
  ...{ ssh_key: all.ssh_key, user_data: all.user_data, video: { model: "vga", memory: 8192 } },
  requested_placement: "sf-test",
});

export const create: Row[] = [
  ...refusals.map(([says, more, gets]) => ({ of, says, body: { ...small, ...more }, gets })),
  { of, says: "no token", as: null, body: small, gets: refused(401, "Missing Authorization Header") },
  { of, says: "all that there is to say", body: all, gets: json(made), keep: { instance: "uuid" } },
  {
    ...{ of, says: "an address that is taken", body: { ...small, ...nic({ address: "10.0.0.9" }) } },
    gets: refused(409, "address 10.0.0.9 in use"),
  },
  {
    ...{ of, says: "a MAC that is taken", body: { ...small, ...nic({ macaddress: "02:00:00:aa:BB:01" }) } },
    gets: refused(409, "macaddress 02:00:00:aa:BB:01 in use"),
  },
  {
    ...{ of, says: "by system, for another, with a UUID", as: "system" },
    body: {
      ...small,
      name: "under_score",
      namespace: "b",
      instance_uuid: "{chosen}",
      network: null,
      video: null,
    },
    gets: json(instance({ uuid: "{chosen}", name: "under_score", namespace: "b" })),
  },
  {
    ...{ of, says: "a UUID that another has", as: "system", body: { ...small, instance_uuid: "{chosen}" } },
    gets: refused(409, "instance {chosen}: exists already"),
  },
  {
    ...{
      of,
      says: "for a namespace that there is not",
      as: "system",
      body: { ...small, namespace: "nosuch" },
    },
    gets: refused(404, "namespace does not exist"),
  },
  {
    ...{ of, says: "video as it comes from clients in Go" },
    body: { ...small, name: "twin", video: { model: "", memory: 0 } },
    gets: json(instance({ name: "twin" })),
    keep: { twin_a: "uuid" },
  },
  {
    ...{
      of,
      says: "more vCPUs than are left",
      body: (context: { cpus: string }) => ({ ...small, cpus: Number(context.cpus) }),
    },
    gets: refused(507, /^No nodes with enough idle CPU: /),
  },
  {
    ...{ of, says: "an image that there is not: answered in error, with the reason" },
    body: { ...small, name: "failed", disk: [{ size: 1, base: "{images}/none" }] },
    gets: json(objectWith({ state: "error", error_message: text(/404/), node: "sf-test" })),
    keep: { failed: "uuid" },
  },
];
