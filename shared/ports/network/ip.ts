// iproute2 in batches: one program run for any number of reads or changes. iproute2 6.1 takes 1 ms for a dozen lines.
import { CloudError } from "../../errors.ts";
import type { Exec } from "../exec/exec.ts";

/** A link with its addresses, as `ip -j -d address show` tells. */
export interface FoundLink {
  ifindex: number;
  ifname: string;
  flags: readonly string[];
  mtu: number;
  master?: string;
  ifalias?: string;
  group?: string;
  address?: string;
  linkinfo?: { info_kind?: string; info_data?: Readonly<Record<string, unknown>> };
  addr_info: readonly { family: string; local: string; prefixlen: number }[];
}

/** Whether packets that come in by this interface are routed on, as `ip -j netconf` tells. */
export interface FoundForwarding {
  family: string;
  interface: string;
  forwarding: boolean;
}

export interface FoundRoute {
  dst: string;
  gateway?: string;
  dev?: string;
}

export interface Found {
  links: ReadonlyMap<string, FoundLink>;
  forwarding: readonly FoundForwarding[];
  routes: readonly FoundRoute[];
}

export interface Ip {
  /** What is there of the things asked for, a line each; what is missing is left out. */
  read(lines: readonly string[], namespace?: string): Promise<Found>;
  /** Does the lines in order and stops at the first that fails. */
  change(lines: readonly string[], namespace?: string): Promise<void>;
  /** Does what can be done: a thing that is not there is no error. */
  changePresent(lines: readonly string[]): Promise<void>;
  /** Takes away what the lines name; what is already gone is no error. */
  discard(lines: readonly string[]): Promise<void>;
}

const GONE =
  /^(Device "[^"]*" does not exist\.|Cannot find device .*|Command failed .*|.*No such file or directory)$/;

export function openIp(exec: Exec): Ip {
  async function changePresent(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const options = { input: text(lines), accept: [0, 1] };
    refuse((await exec.run("ip", ["-force", "-batch", "-"], options)).stderr);
  }

  return {
    async read(lines, namespace) {
      const args = [...inNamespace(namespace), "-json", "-details", "-force", "-batch", "-"];
      const { stdout, stderr } = await exec.run("ip", args, { input: text(lines), accept: [0, 1] });
      refuse(stderr);
      return sort(stdout.split("\n").flatMap(parseLine));
    },
    async change(lines, namespace) {
      if (lines.length === 0) return;
      await exec.run("ip", [...inNamespace(namespace), "-batch", "-"], { input: text(lines) });
    },
    changePresent,
    discard: changePresent,
  };
}

const inNamespace = (namespace: string | undefined) => (namespace === undefined ? [] : ["-netns", namespace]);
const text = (lines: readonly string[]) => `${lines.join("\n")}\n`;

function refuse(stderr: string): void {
  const other = stderr.split("\n").filter((line) => line !== "" && !GONE.test(line));
  if (other.length > 0) throw new CloudError("internal", `ip: ${other.slice(0, 5).join("; ")}`);
}

function parseLine(line: string): object[] {
  if (!line.startsWith("[")) return [];
  const items: unknown = JSON.parse(line);
  return Array.isArray(items) ? items : [];
}

function sort(items: readonly object[]): Found {
  const links = items.filter((it): it is FoundLink => "ifname" in it && "addr_info" in it);
  return {
    links: new Map(links.map((link) => [link.ifname, link])),
    forwarding: items.filter((it): it is FoundForwarding => "forwarding" in it),
    routes: items.filter((it): it is FoundRoute => "dst" in it),
  };
}

/** The kernel's own choice: we give none to our links, so one that is there was made before we said so. */
export function hasIpv6(link: FoundLink | undefined): boolean {
  return link?.addr_info.some((it) => it.family === "inet6") ?? false;
}
