// Everything of ours that is on this host and in its store, for comparing before and after.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type { Store } from "#shared/ports/store/store.ts";

export interface Inventory {
  domains: string[];
  links: string[];
  namespaces: string[];
  dnsmasq: string[];
  qemu: number;
  files: string[];
  keys: string[];
}

/** The claim on the test's node when it has no instances. */
export const NOTHING_CLAIMED = 'claim/sf-test {"cpus":0,"memory_mib":0,"disk_gib":0}';

const STORAGE = "/srv/shakenfist";

/** Records of what is deleted, events and images stay on purpose, as do console logs: they are left out. */
export async function takeInventory(store: Store): Promise<Inventory> {
  const processes = commandLines();
  return {
    domains: words(run("virsh", "list", "--all", "--name")),
    links: (JSON.parse(run("ip", "-j", "link")) as { ifname: string }[]).map(({ ifname }) => ifname).sort(),
    namespaces: words(run("ip", "netns")).filter((word) => word.length > 8),
    dnsmasq: processes.filter((it) => it.includes("dnsmasq")),
    qemu: processes.filter((it) => it.startsWith("/usr/bin/qemu-system")).length,
    files: files(),
    keys: await livingKeys(store),
  };
}

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: "utf8", timeout: 20_000 });
}

const words = (text: string): string[] =>
  text
    .split(/\s+/)
    .filter((word) => word !== "")
    .sort();

function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readIfThere(`/proc/${pid}/cmdline`).replaceAll("\0", " "));
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function files(): string[] {
  return readdirSync(STORAGE, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .filter((path) => !path.includes("/image_cache/") && !/\/console\.log(\.\d+)?$/.test(path))
    .sort();
}

export async function livingKeys(store: Store): Promise<string[]> {
  const entries = await store.list<{ state?: string }>("");
  return entries
    .filter(
      ({ key }) =>
        !/^(event|boot|image|bad_image|presence|metrics|node|node-address|lock|setting|key|namespace|namespace-users)\//.test(
          key,
        ),
    )
    .filter(({ value }) => value.state !== "deleted" && value.state !== "error")
    .map(({ key, value }) => (key.startsWith("claim/") ? `${key} ${JSON.stringify(value)}` : key))
    .sort();
}
