// "node show", and the instances that "node drain" shows.
import type { NodeDetails, NodeInstance } from "#shared/api/types.ts";
import { type Columns, type Output, pick } from "../output.ts";

const WIDTH = 12;
const instanceColumns = {
  ...{ uuid: "uuid", name: "name", namespace: "namespace" },
  ...{ "power state": "power_state", state: "state" },
} as const;
const instanceFields = Object.values(instanceColumns);

/** As one cell: names of roles have spaces, never commas. */
const rolesText = (roles: unknown): string => (Array.isArray(roles) ? roles.join("; ") : "None");

/** The first four are those that scripts have always known. */
export const nodeColumns: Columns = {
  name: "name",
  ip: "ip",
  lastseen: "lastseen",
  version: "version",
  state: "state",
  roles: ["roles", rolesText],
  cordoned: "cordoned",
};

export function showNode(out: Output, node: NodeDetails): void {
  if (out.format === "json") {
    out.json({ ...node, instances: node.instances.map((each) => pick(each, instanceFields)) });
    return;
  }
  const { name, ip, lastseen, version, state, roles, cordoned, claims } = node;
  const head = { name, ip, lastseen, version, state, roles: rolesText(roles), cordoned };
  for (const [label, value] of Object.entries(head)) out.field(WIDTH, label, value);
  out.field(
    WIDTH,
    "claims",
    `${claims.cpus} vCPUs; ${claims.memory_mib} MiB memory; ${claims.disk_gib} GiB disk`,
  );
  out.line();
  if (out.format === "pretty") out.line("Metrics:");
  else out.row("metrics", "name", "value");
  const width = Math.max(0, ...Object.keys(node.metrics).map((each) => each.length));
  for (const [each, value] of Object.entries(node.metrics)) {
    if (out.format === "pretty") out.indentedField(width, each, value);
    else out.row("metrics", each, value);
  }
  out.line();
  if (out.format === "pretty") out.line("Instances:");
  out.table(instanceColumns, node.instances);
}

export function showNodeInstances(out: Output, instances: readonly NodeInstance[]): void {
  out.list("instances", instanceColumns, instances);
}
