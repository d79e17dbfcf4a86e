// Guests without a system for tests on a real libvirtd: an empty disk under TCG is enough to start, pause and stop.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openTemplates } from "#shared/render.ts";

const templates = openTemplates([fileURLToPath(new URL("../../../../templates", import.meta.url))]);
let lastPort = 20_000;

/** What the domain template takes, for a small guest with one empty disk. */
export function guestValues(uuid: string) {
  const directory = `/srv/shakenfist/instances/${uuid}`;
  return {
    uuid,
    name: `sf:${uuid}`,
    instance_name: "guest",
    cpus: 1,
    memory_kib: 64 * 1024,
    virt_type: "qemu",
    disks: [{ path: `${directory}/vda`, format: "qcow2", device: "vda", bus: "virtio", present_as: "disk" }],
    interfaces: [] as { macaddr: string; bridge: string; model: string; tap: string }[],
    console: { address: "127.0.0.1", port: ++lastPort, log_path: `${directory}/console.log` },
    vnc: { address: "127.0.0.1", port: ++lastPort },
    video: { model: "cirrus", memory: 16384 },
  };
}

export type GuestValues = ReturnType<typeof guestValues>;

export function renderGuest(values: GuestValues): string {
  return templates.render("domain.xml", values);
}

/** Makes the guest's disks and gives its definition. */
export function makeGuest(uuid: string, changes: Partial<GuestValues> = {}): string {
  const values = { ...guestValues(uuid), ...changes };
  mkdirSync(`/srv/shakenfist/instances/${uuid}`, { recursive: true });
  for (const { path, format } of values.disks)
    execFileSync("qemu-img", ["create", "-q", "-f", format, path, "1M"]);
  return renderGuest(values);
}
