// The guest that the benchmarks compare with: the same one, made by the programs that one would use by hand.
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { configDriveFiles } from "#shared/instances/config-drive.ts";
import { openTemplates } from "#shared/render.ts";
import { timed } from "./figures.ts";

const TEMPLATES = fileURLToPath(new URL("../templates", import.meta.url));
const STORAGE = "/srv/shakenfist";
const FIRST_PORT = 28_000;
const PROGRAM_MS = 120_000;

/** Milliseconds of its parts. */
export interface Start {
  qemu_img: number;
  iso: number;
  libvirt: number;
  total: number;
}

export interface HandMade {
  start(): Promise<Start>;
  /** Milliseconds until it is gone. */
  stop(): Promise<number>;
}

/** Writes what the programs read: no part of what is measured. `number` tells guests of one time apart. */
export function prepareByHand(bridge: string, number: number): HandMade {
  const uuid = crypto.randomUUID();
  const directory = `${STORAGE}/by-hand-${number}`;
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const base = readdirSync(`${STORAGE}/image_cache`).find((name) => name.endsWith(".qcow2"));
  const [disk, drive] = [`${directory}/vda`, `${directory}/drive.iso`];
  writeFileSync(`${directory}/domain.xml`, domain(uuid, directory, bridge, number));
  writeDrive(`${directory}/tree`, uuid);
  return {
    async start() {
      const from = `${STORAGE}/image_cache/${base}`;
      const [total, parts] = await timed(async () => {
        const [qemu_img] = await timed(() =>
          run("qemu-img", "create", "-q", "-f", "qcow2", "-b", from, "-F", "qcow2", disk, "1G"),
        );
        const tree = `${directory}/tree`;
        const [iso] = await timed(() =>
          run("genisoimage", "-quiet", "-V", "config-2", "-rational-rock", "-J", "-o", drive, tree),
        );
        const [libvirt] = await timed(async () => {
          await run("virsh", "-q", "define", `${directory}/domain.xml`);
          await run("virsh", "-q", "start", `sf:${uuid}`);
        });
        return { qemu_img, iso, libvirt };
      });
      return { ...parts, total };
    },
    async stop() {
      const [gone] = await timed(async () => {
        await run("virsh", "-q", "destroy", `sf:${uuid}`);
        await run("virsh", "-q", "undefine", `sf:${uuid}`);
      });
      rmSync(directory, { recursive: true });
      return gone;
    },
  };
}

function domain(uuid: string, directory: string, bridge: string, number: number): string {
  return openTemplates([TEMPLATES]).render("domain.xml", {
    uuid,
    name: `sf:${uuid}`,
    instance_name: "by-hand",
    cpus: 1,
    memory_kib: 128 * 1024,
    virt_type: "qemu",
    disks: [
      { path: `${directory}/vda`, format: "qcow2", device: "vda", bus: "virtio", present_as: "disk" },
      { path: `${directory}/drive.iso`, format: "raw", device: "vdb", bus: "virtio", present_as: "disk" },
    ],
    interfaces: [
      { macaddr: `02:00:00:00:01:${hex(number)}`, bridge, model: "virtio", tap: `by-hand-${number}` },
    ],
    console: {
      address: "127.0.0.1",
      port: FIRST_PORT + 2 * number,
      log_path: `${directory}/console.log`,
    },
    vnc: { address: "127.0.0.1", port: FIRST_PORT + 2 * number + 1 },
    video: { model: "cirrus", memory: 16_384 },
  });
}

const hex = (number: number): string => number.toString(16).padStart(2, "0");

function writeDrive(tree: string, uuid: string): void {
  const instance = { uuid, name: "bench", ssh_key: null, user_data: null };
  const files = configDriveFiles({
    instance,
    interfaces: [],
    zone: "bench",
    dns: "10.0.0.1",
    random_seed: "",
  });
  for (const [path, content] of files) {
    mkdirSync(dirname(`${tree}${path}`), { recursive: true });
    writeFileSync(`${tree}${path}`, content);
  }
}

async function run(program: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(program, args, { timeout: PROGRAM_MS });
}
