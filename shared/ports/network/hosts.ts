// Names of hosts to addresses, for rules. What a name last meant stands while nobody can be asked.
import { lookup } from "node:dns/promises";
import { isIP, isIPv4 } from "node:net";
import type { Log } from "../../log.ts";

export interface Hosts {
  /** The IPv4 addresses of all that are known, in order. */
  addresses(hosts: readonly string[]): Promise<string[]>;
}

export function openHosts(log: Log): Hosts {
  /** By name; no longer than the list of hosts that is asked for. */
  let known = new Map<string, readonly string[]>();

  async function find(host: string): Promise<readonly string[]> {
    if (isIP(host) !== 0) return isIPv4(host) ? [host] : [];
    try {
      return (await lookup(host, { all: true, family: 4 })).map(({ address }) => address);
    } catch (error) {
      log.warn({ err: error, host }, "name cannot be resolved: the rules keep what it meant before");
      return known.get(host) ?? [];
    }
  }

  return {
    async addresses(hosts) {
      const found = await Promise.all(hosts.map(async (host) => [host, await find(host)] as const));
      known = new Map(found);
      return [...new Set(found.flatMap(([, addresses]) => addresses))].sort();
    },
  };
}
