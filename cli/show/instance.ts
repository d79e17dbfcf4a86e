// "instance show", and what "instance create" prints.
import type { ApiClient } from "#shared/api/client.ts";
import type { Instance, Metadata, NetworkInterface, Snapshot } from "#shared/api/types.ts";
import { type Output, pick } from "../output.ts";
import { localTime, pythonText } from "../python.ts";
import { interfaceJson, showInterfaceFields, showInterfaceRows } from "./interface.ts";
import { showMetadata } from "./metadata.ts";

const WIDTH = 13;
const diskWidths = { type: 5, bus: 4, size: 2, base: 0 };
const videoWidths = { model: 0, memory: 0 };
const jsonFields = `uuid name namespace cpus memory disk_spec video node console_port vdi_port
  ssh_key user_data power_state state`.split(/\s+/);

interface Parts {
  readonly metadata: Metadata;
  readonly nics: readonly NetworkInterface[];
  /** undefined when nobody asked for them. */
  readonly snapshots: readonly Snapshot[] | undefined;
}

export async function showInstance(
  api: ApiClient,
  out: Output,
  instance: Instance,
  withSnapshots = false,
): Promise<void> {
  const [metadata, nics, snapshots] = await Promise.all([
    api.getMetadata("instances", instance.uuid),
    api.listInterfaces("instances", instance.uuid),
    withSnapshots ? api.listSnapshots(instance.uuid) : undefined,
  ]);
  const parts = { metadata, nics, snapshots };
  if (out.format === "json") return out.json(instanceJson(instance, parts));
  showHead(out, instance);
  if (out.format === "simple") showSimpleSpecs(out, instance);
  showMetadata(out, metadata);
  showInterfaces(out, nics);
  if (snapshots !== undefined) showSnapshots(out, snapshots);
}

function instanceJson(instance: Instance, { metadata, nics, snapshots }: Parts): Record<string, unknown> {
  const json = { ...pick(instance, jsonFields), metadata, network_interfaces: nics.map(interfaceJson) };
  if (snapshots === undefined) return json;
  return { ...json, snapshots: snapshots.map((snapshot) => pick(snapshot, ["uuid", "device", "created"])) };
}

function showHead(out: Output, instance: Instance): void {
  out.field(WIDTH, "uuid", instance.uuid);
  out.field(WIDTH, "name", instance.name);
  out.field(WIDTH, "namespace", instance.namespace);
  out.field(WIDTH, "cpus", instance.cpus);
  out.field(WIDTH, "memory", instance.memory);
  if (out.format === "pretty") {
    const indent = `\n${" ".repeat(WIDTH + 2)}`;
    const disks = instance.disk_spec.map((disk) => padded(disk, diskWidths));
    out.field(WIDTH, "disk spec", disks.join(indent));
    out.field(WIDTH, "video", padded(instance.video, videoWidths));
  }
  out.field(WIDTH, "node", instance.node);
  const why = instance.power_state_reason;
  out.field(
    WIDTH,
    "power state",
    why === undefined ? instance.power_state : `${instance.power_state} (${why})`,
  );
  out.field(WIDTH, "state", instance.state);
  out.field(WIDTH, "error message", instance.error_message);
  out.field(WIDTH, "console port", instance.console_port);
  out.field(WIDTH, "vdi port", instance.vdi_port);
  out.line();
  out.field(WIDTH, "ssh key", instance.ssh_key);
  out.field(WIDTH, "user data", instance.user_data);
}

function padded(row: object, widths: Readonly<Record<string, number>>): string {
  const values = Object.entries(pick(row, Object.keys(widths)));
  return values.map(([name, value]) => `${name}=${pythonText(value).padEnd(widths[name] ?? 0)}  `).join("");
}

function showSimpleSpecs(out: Output, { disk_spec, video }: Instance): void {
  const diskFields = Object.keys(diskWidths);
  out.line();
  out.row("disk_spec", ...diskFields);
  for (const disk of disk_spec) out.row("disk_spec", ...valuesOf(disk, diskFields));
  out.line();
  out.row("video", ...Object.keys(videoWidths));
  out.row("video", ...valuesOf(video, Object.keys(videoWidths)));
}

function valuesOf(row: object, fields: readonly string[]): unknown[] {
  return Object.values(pick(row, fields));
}

function showInterfaces(out: Output, nics: readonly NetworkInterface[]): void {
  out.line();
  if (out.format === "simple") {
    showInterfaceRows(out, nics);
    return;
  }
  out.line("Interfaces:");
  for (const nic of nics) {
    out.line();
    showInterfaceFields(out, nic);
  }
}

function showSnapshots(out: Output, snapshots: readonly Snapshot[]): void {
  out.line();
  if (out.format === "simple") {
    out.row("snapshot", "uuid", "device", "created");
    for (const { uuid, device, created } of snapshots) out.row("snapshot", uuid, device, localTime(created));
    return;
  }
  out.line("Snapshots:");
  for (const snapshot of snapshots) {
    out.line();
    out.indentedField(8, "uuid", snapshot.uuid);
    out.indentedField(8, "device", snapshot.device);
    out.indentedField(8, "created", localTime(snapshot.created));
  }
}
