// DHCP of a network: <storage>/dhcp/<uuid>/ with config, hosts, leases and pid, and the dnsmasq that serves them.
// The server outlives this process; it is judged and mended from what is found.
import { renameSync } from "node:fs";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Exec } from "../exec/exec.ts";
import { findServing, startServer, stopServers } from "./dhcp-server.ts";
import { routerInner } from "./names.ts";
import { parseNetblock } from "./netblock.ts";
import type { DhcpHost, Gateway, NetworkPlan } from "./network.ts";

export type Render = (name: string, values: Record<string, unknown>) => string;

export interface Dhcp {
  /** `link`: the kernel's number of the cable that is served. */
  ensure(plan: NetworkPlan, dhcp: NonNullable<Gateway["dhcp"]>, link: number): Promise<string[]>;
  /** True when there was something to take away. With `thorough`, servers are looked for even if the directory is gone. */
  remove(uuid: string, thorough?: boolean): Promise<boolean>;
}

export function openDhcp({
  exec,
  storagePath,
  render,
}: {
  exec: Exec;
  storagePath: string;
  render: Render;
}): Dhcp {
  const root = join(storagePath, "dhcp");

  return {
    async ensure(plan, dhcp, link) {
      const directory = join(root, plan.uuid);
      const files = filesOf(directory);
      // dnsmasq 2.90 holds on to the cable it found at its start: one of the same name that was made later is not served.
      const config = `# link ${link}\n${render("dnsmasq.conf", configValues(plan, dhcp, directory))}`;
      const hosts = hostsText(dhcp.hosts);
      const newHosts = `${files.hosts}.new`;
      const [pid, oldConfig, oldHosts, leases] = await Promise.all([
        findServing(files.config, files.pid, plan.uuid),
        readText(files.config),
        readText(files.hosts),
        readText(files.leases),
        // Left by a process that died as it changed the file.
        rm(newHosts, { force: true }),
      ]);
      const kept = withoutTaken(leases ?? "", dhcp.hosts);
      if (pid !== undefined && oldConfig === config && kept === (leases ?? "")) {
        if (oldHosts === hosts) return [];
        await writeFile(newHosts, hosts, { mode: 0o644 });
        // One after the other without a pause: the server must not be left with names older than its file.
        renameSync(newHosts, files.hosts);
        process.kill(pid, "SIGHUP");
        return ["update dhcp"];
      }
      await stopServers(files.config);
      // dnsmasq reads `hosts` again as a user without rights: the directories let it through to the names it knows.
      await mkdir(directory, { recursive: true, mode: 0o711 });
      await writeFile(files.hosts, hosts, { mode: 0o644 });
      if (leases !== undefined) await writeFile(files.leases, kept);
      await writeFile(files.config, config, { mode: 0o644 });
      await startServer(exec, files.config, plan.uuid);
      return [oldConfig === undefined ? "create dhcp" : "restart dhcp"];
    },

    async remove(uuid, thorough = false) {
      const directory = join(root, uuid);
      const present = await stat(directory).then(
        () => true,
        () => false,
      );
      if (!present && !thorough) return false;
      const stopped = await stopServers(filesOf(directory).config);
      await rm(directory, { recursive: true, force: true });
      return present || stopped > 0;
    },
  };
}

function filesOf(directory: string) {
  const file = (name: string) => join(directory, name);
  return { config: file("config"), hosts: file("hosts"), leases: file("leases"), pid: file("pid") };
}

function configValues(
  plan: NetworkPlan,
  dhcp: NonNullable<Gateway["dhcp"]>,
  directory: string,
): Record<string, unknown> {
  const { first, mask, router } = parseNetblock(plan.netblock);
  const { domain, dns } = dhcp;
  return { link: routerInner(plan.vxid), first, mask, router, mtu: plan.mtu, domain, dns, directory };
}

function hostsText(hosts: readonly DhcpHost[]): string {
  const lines = hosts.map(({ macaddr, name, address }) =>
    [macaddr.toLowerCase(), ...(isPlainName(name) ? [name] : []), address].join(","),
  );
  return lines.map((line) => `${line}\n`).join("");
}

/** dnsmasq would read a number as a lease time and some words as orders: such a guest is served without its name. */
function isPlainName(name: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(name) && !/^(\d+[smhdw]?|infinite|ignore)$/i.test(name);
}

/**
 * The leases without those of an address that is another guest's now: dnsmasq would refuse it to the new one until the
 * old one's hour is over. A line is: end, MAC, address, name, client id.
 */
function withoutTaken(leases: string, hosts: readonly DhcpHost[]): string {
  const owners = new Map(hosts.map((host) => [host.address, host.macaddr.toLowerCase()]));
  return leases
    .split("\n")
    .filter((line) => {
      const [, macaddr, address = ""] = line.split(" ");
      const owner = owners.get(address);
      return owner === undefined || owner === macaddr;
    })
    .join("\n");
}

function readText(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}
