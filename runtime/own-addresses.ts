// The addresses of this cloud itself: images are not fetched from there, wherever they lie.
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import type { Config } from "#shared/config.ts";
import { NODES, type NodeRecord } from "#shared/nodes/record.ts";
import type { Store } from "#shared/ports/store/store.ts";

const LOOKUP_MS = 2_000;

/** Of all nodes, of every interface of this host, and of etcd's members. */
export async function ownAddresses(store: Store, config: Config): Promise<string[]> {
  const nodes = store.mirror.list<NodeRecord>(NODES).map(({ value: { ip } }) => ip);
  const here = Object.values(networkInterfaces()).flatMap((cards) => (cards ?? []).map((it) => it.address));
  const members = await Promise.all(config.ETCD_HOSTS.map(addressesOf));
  return [...nodes, ...here, ...members.flat()];
}

/** Of `host:port`. A name that is not found now leads a fetch nowhere either. */
async function addressesOf(member: string): Promise<string[]> {
  const host = member
    .replace(/^\w+:\/\//, "")
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0) return [host];
  const found = lookup(host, { all: true }).then(
    (all) => all.map(({ address }) => address),
    () => [],
  );
  return Promise.race([found, nothingAfter(LOOKUP_MS)]);
}

const nothingAfter = (ms: number): Promise<string[]> =>
  new Promise((resolve) => {
    setTimeout(() => resolve([]), ms).unref();
  });
