// A test cluster: several hosts on one machine, each in namespaces of its own, joined by an underlay. What is done with
// one that is up: hosts killed, stopped and started, cut off from each other, and all of it taken down.
import { rm, rmdir } from "node:fs/promises";
import { killDaemon, stopDaemon } from "../lib/processes.ts";
import { bootHost, cutPower, insideHost } from "./host.ts";
import { apiUrl, type HostPlan, nodesOf } from "./plan.ts";
import { startServices, stopServices } from "./services.ts";
import { type Cluster, findHost, requireRunning, runningHost, save } from "./state.ts";
import { cutOff, removeUnderlay, requireUnderlay } from "./underlay.ts";

/** Boots it if it is off, and starts what of its programs does not run. */
export async function powerOn(
  cluster: Cluster,
  host: HostPlan,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  await requireUnderlay();
  if (runningHost(cluster, host) === undefined) await bootHost(cluster, host);
  await startServices(cluster, host, more);
}

/** A power loss, guests included. Answers false when it was off. */
export async function killHost(cluster: Cluster, name: string): Promise<boolean> {
  const host = findHost(cluster, name);
  const wasOn = runningHost(cluster, host) !== undefined;
  await cutPower(cluster, host);
  return wasOn;
}

/** A clean shutdown. Answers false when it was off. */
export async function stopHost(cluster: Cluster, name: string): Promise<boolean> {
  const host = findHost(cluster, name);
  if (runningHost(cluster, host) === undefined) return false;
  await stopServices(cluster, host);
  await cutPower(cluster, host);
  return true;
}

/** Boots a host that is off, with its old disk, and starts what of its programs does not run. */
export async function startHost(
  cluster: Cluster,
  name: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  await powerOn(cluster, findHost(cluster, name), settings);
}

/** The node's process alone, as by a crash. */
export async function killNodeProcess(cluster: Cluster, name: string): Promise<void> {
  const { services } = requireRunning(cluster, findHost(cluster, name));
  if (services.node !== undefined) await killDaemon(services.node);
}

/** Program and arguments that run this inside the host. */
export function commandInside(cluster: Cluster, name: string, argv: readonly string[]): [string, string[]] {
  return insideHost(requireRunning(cluster, findHost(cluster, name)), argv);
}

/** From now on nothing passes between the two, until `heal`. */
export async function partition(cluster: Cluster, one: string, other: string): Promise<void> {
  const pair: [string, string] = [findHost(cluster, one).name, findHost(cluster, other).name];
  if (one === other) throw new Error(`${one}: cannot be cut off from itself; name two hosts`);
  cluster.state.partitions.push(pair);
  await applyPartitions(cluster);
}

export async function heal(cluster: Cluster): Promise<void> {
  cluster.state.partitions = [];
  await applyPartitions(cluster);
}

async function applyPartitions(cluster: Cluster): Promise<void> {
  const pairs = cluster.state.partitions.map(
    ([one, other]) => [findHost(cluster, one), findHost(cluster, other)] as const,
  );
  await cutOff(cluster.state.plan, pairs);
  await save(cluster);
}

/** Ends and removes all of it. Safe to repeat; what cannot be ended is kept in mind for the next time. */
export async function takeDown(cluster: Cluster): Promise<void> {
  const { plan, images, made } = cluster.state;
  const ends = await Promise.allSettled(plan.hosts.map((host) => cutPower(cluster, host)));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  await stopDaemon(images?.process);
  await removeUnderlay(plan);
  await rm(cluster.directory, { recursive: true, force: true });
  // Something else in it keeps it.
  for (const path of made) await rmdir(path).catch(() => {});
}

export function nodeUrls(cluster: Cluster): Record<string, string> {
  const { plan } = cluster.state;
  return Object.fromEntries(nodesOf(plan).map((host) => [host.name, apiUrl(plan, host)]));
}
