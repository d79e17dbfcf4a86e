// What the API answers, for its description: the types of the wire once more, as schemas. The compiler holds the two
// together, and tests hold every answer against its schema.
import { z } from "zod";
import type * as wire from "./types.ts";

const uuid = z.string().meta({ format: "uuid" });
const time = z.number().describe("Seconds since 1970");
const nullableText = z.string().nullable();

const disk: z.ZodType<wire.Disk> = z.strictObject({
  size: z.int().nullable().describe("GB"),
  base: nullableText.describe("The image that it is layered on"),
  bus: nullableText,
  type: z.string(),
});

const video: z.ZodType<wire.Video> = z.strictObject({ model: z.string(), memory: z.int().describe("KiB") });

const blockDevice: z.ZodType<wire.BlockDevice> = z.strictObject({
  type: z.string(),
  size: z.int().nullable(),
  device: z.string(),
  bus: z.string(),
  path: nullableText,
  base: nullableText,
  present_as: z.string(),
  snapshot_ignores: z.boolean(),
});

const blockDevices: z.ZodType<wire.BlockDevices> = z.strictObject({
  devices: z.array(blockDevice),
  finalized: z.boolean(),
});

export const Instance: z.ZodType<wire.Instance> = z
  .strictObject({
    uuid,
    name: z.string(),
    namespace: z.string(),
    cpus: z.int(),
    memory: z.int().describe("MiB"),
    disk_spec: z.array(disk),
    ssh_key: nullableText,
    user_data: nullableText.describe("base64"),
    node: z.string(),
    console_port: z.int(),
    vdi_port: z.int(),
    block_devices: blockDevices.nullable().describe("null until the disks are made"),
    state: z.string(),
    state_updated: time,
    power_state: z.string(),
    power_state_reason: z.exactOptional(z.string()).describe("Why it is `unknown`; absent otherwise"),
    power_state_previous: z.exactOptional(z.string()).describe("Absent until the first change of power"),
    power_state_updated: z.exactOptional(time),
    video,
    error_message: nullableText.describe("Why it is in `error`"),
    node_history: z.array(z.string()),
    requested_placement: nullableText,
    placement_attempts: z.int(),
    enforced_deletes: z.exactOptional(z.int()),
  })
  .meta({ id: "Instance" });

const networkFields = {
  uuid,
  name: nullableText,
  namespace: nullableText,
  netblock: z.string().describe("IPv4 block (CIDR)"),
  provide_dhcp: z.boolean().nullable(),
  provide_nat: z.boolean().nullable(),
  vxid: z.int(),
  floating_gateway: nullableText,
  state: z.string(),
  state_updated: time,
};

export const Network: z.ZodType<wire.Network> = z.strictObject(networkFields).meta({ id: "Network" });

export const ListedNetwork: z.ZodType<wire.ListedNetwork> = z
  .strictObject({ ...networkFields, vxlan_id: z.int().describe("The same as vxid") })
  .meta({ id: "ListedNetwork" });

export const NetworkInterface: z.ZodType<wire.NetworkInterface> = z
  .strictObject({
    uuid,
    network_uuid: uuid,
    instance_uuid: uuid,
    macaddr: z.string(),
    ipv4: z.string(),
    order: z.int().describe("Position in the request, from 0"),
    floating: nullableText.describe("The floating address"),
    state: z.string(),
    state_updated: time,
    model: z.string(),
  })
  .meta({ id: "NetworkInterface" });

export const Event: z.ZodType<wire.Event> = z
  .strictObject({
    timestamp: time,
    object_type: z.string(),
    object_uuid: z.string().describe("Of an image, its URL without user, password and query"),
    fqdn: z.string().describe("The node that saw it"),
    operation: nullableText,
    phase: nullableText,
    duration: z.number().nullable().describe("Seconds"),
    message: nullableText,
  })
  .meta({ id: "Event" });

export const Snapshot: z.ZodType<wire.Snapshot> = z
  .strictObject({
    uuid,
    device: z.string(),
    instance_uuid: uuid,
    created: z.int(),
    state: z.enum(["creating", "created"]).describe("Its file is there once it is created"),
    size: z.int().nullable().describe("Bytes of its file; null until that is there"),
    progress: z.int().describe("Percent of the snapshot, all its disks together"),
  })
  .meta({ id: "Snapshot" });

const nodeFields = {
  name: z.string(),
  ip: z.string(),
  lastseen: time,
  version: z.string(),
  state: z.string().describe("present or away"),
  roles: z.array(z.string()).describe("hypervisor, and of one node network node"),
  cordoned: z.boolean().describe("Gets no new instances"),
};

export const Node: z.ZodType<wire.Node> = z.strictObject(nodeFields).meta({ id: "Node" });

const nodeClaims: z.ZodType<wire.NodeClaims> = z.strictObject({
  cpus: z.int(),
  memory_mib: z.int(),
  disk_gib: z.int(),
});

export const NodeInstance: z.ZodType<wire.NodeInstance> = z
  .strictObject({
    uuid,
    name: z.string(),
    namespace: z.string(),
    state: z.string(),
    power_state: z.string(),
  })
  .meta({ id: "NodeInstance" });

export const NodeDetails: z.ZodType<wire.NodeDetails> = z
  .strictObject({
    ...nodeFields,
    claims: nodeClaims.describe("What is promised to its instances"),
    metrics: z.record(z.string(), z.number()).describe("Gauges by name; none when it is away"),
    instances: z.array(NodeInstance),
  })
  .meta({ id: "NodeDetails" });

export const ImageMeta: z.ZodType<wire.ImageMeta> = z
  .strictObject({
    url: z.string().describe("Without user, password and query"),
    checksum: nullableText.describe("md5, where the user or the publisher gave one"),
    size: nullableText.describe("Bytes, as text"),
    modified: nullableText,
    fetched: nullableText.describe("RFC 2822"),
    file_version: z.int(),
    version: z.int(),
    ref: z.string().describe("sha256 of the URL"),
    node: z.string(),
    state: z
      .enum(["cached", "fetching", "bad"])
      .describe("What the node holds; only cached ones can be used"),
    phase: nullableText.describe("Of a fetch that is under way: download, verify or convert"),
    done: z.int().nullable().describe("Bytes of the phase"),
    total: z.int().nullable(),
    reason: nullableText.describe("Why what the server offered last was refused"),
    format: z.enum(["qcow2", "raw", "iso"]).nullable(),
    virtual_size: z.int().nullable().describe("Bytes that a disk of it has at least"),
    sha256: nullableText.describe("where the user or the publisher gave one"),
    used: nullableText.describe("RFC 2822: when it was last handed out"),
    in_use: z.int().describe("How many disks stand on it"),
  })
  .meta({ id: "ImageMeta" });

const lock: z.ZodType<wire.Lock> = z.strictObject({
  node: z.string(),
  pid: z.int(),
  operation: nullableText,
});

export const Locks: z.ZodType<wire.Locks> = z.record(z.string(), lock).meta({ id: "Locks" });

const finding: z.ZodType<wire.Finding> = z.strictObject({
  subject: z.string(),
  problem: z.string(),
  mend: z.string().describe("What a person types or does about it"),
  mendable: z.boolean().describe("Whether the node can do that itself"),
  mended: z.exactOptional(z.boolean()).describe("Whether it did; absent where that was not asked"),
  failure: z.exactOptional(z.string()).describe("Why it could not"),
});

export const Diagnoses: z.ZodType<wire.Diagnosis[]> = z.array(
  z
    .strictObject({
      check: z.string(),
      summary: z.string().describe("What is right when nothing is found"),
      scope: z.string().describe("`node`, or `cloud` for what is the same on every node"),
      state: z.string().describe("`ok`, `found`, or `unknown` for what could not be asked"),
      reason: nullableText.describe("Why it is unknown, or that more was found than is listed"),
      findings: z.array(finding),
    })
    .meta({ id: "Diagnosis" }),
);

/** By key: any JSON that was stored. */
export const Metadata: z.ZodType<wire.Metadata> = z.record(z.string(), z.unknown()).meta({ id: "Metadata" });

/** Of what was acted on. */
export const Uuids = z.array(uuid);
export const Names = z.array(z.string());

export const ErrorBody = z
  .strictObject({
    error: z
      .union([z.string(), z.looseObject({})])
      .describe("Says what is wrong; of a few errors, an object"),
    status: z.int().describe("As the status of the answer"),
    request_id: z.string().describe("Stands in the node's log, and in the header X-Request-ID"),
  })
  .meta({ id: "Error" });
