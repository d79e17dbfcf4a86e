// What there is in a test cluster, for people: its hosts and how they are, where the API and the image are, who is cut off.

import { apiAnswers, etcdHealth } from "../lib/probes.ts";
import { isAlive } from "../lib/processes.ts";
import { apiUrl, ETCD_PORT, floatingBlock, type HostPlan, networkNode } from "./plan.ts";
import { type Cluster, credentialsFile, runningHost } from "./state.ts";

export async function describeCluster(cluster: Cluster): Promise<string> {
  const { plan, images, partitions } = cluster.state;
  const rows = await Promise.all(plan.hosts.map((host) => describeHost(cluster, host)));
  const cuts = partitions.map(([one, other]) => `${one} and ${other}`);
  const home = cluster.directory;
  return [
    ...table([["host", "address", "state", "API or client URL", ""], ...rows]),
    "",
    `image         ${images?.url ?? "none"}${isAlive(images?.process) ? "" : " (not served)"}`,
    `floating      ${floatingBlock(plan)}, through ${networkNode(plan).name}`,
    `credentials   ${credentialsFile(home)}`,
    `logs          ${home}/<host>/logs`,
    ...(cuts.length === 0 ? [] : [`cut off       ${cuts.join("; ")}`]),
    "",
    `HOME=${home} dist/sf-client.js node list`,
  ].join("\n");
}

async function describeHost(cluster: Cluster, host: HostPlan): Promise<string[]> {
  const { plan } = cluster.state;
  const client = `${host.address}:${ETCD_PORT}`;
  const url = host.kind === "etcd" ? `http://${client}` : apiUrl(plan, host);
  const remark = host === networkNode(plan) ? "network node" : "";
  const row = (state: string) => [host.name, host.address, state, url, remark];
  const running = runningHost(cluster, host);
  if (running === undefined) return row("off");
  if (!isAlive(running.services[host.kind])) return row(`on, no ${host.kind}`);
  if (host.kind === "etcd") {
    const health = await etcdHealth(client);
    return row(/^(un)?healthy$/.test(health) ? health : "does not answer");
  }
  return row((await apiAnswers(url)) ? "answers" : "does not answer");
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
