// What is remembered of a test cluster from one command to the next, in its directory; who it says runs is asked of the
// kernel each time.
import { join } from "node:path";
import { readJson, writeJson } from "../lib/json-file.ts";
import { isAlive, type ProcessId } from "../lib/processes.ts";
import type { HostPlan, Plan } from "./plan.ts";

export type Service = "etcd" | "virtlogd" | "libvirtd" | "node";

/** A host that was booted: its first process, and what was started in it. */
export interface RunningHost {
  init: ProcessId;
  services: Partial<Record<Service, ProcessId>>;
}

export interface ClusterState {
  readonly plan: Plan;
  /** From when all of it answered. */
  isUp: boolean;
  hosts: Record<string, RunningHost>;
  partitions: [string, string][];
  images?: { readonly process: ProcessId; readonly url: string };
  /** Directories outside of the cluster's own that had to be made. */
  made: string[];
}

export interface Cluster {
  readonly directory: string;
  readonly state: ClusterState;
  readonly signal?: AbortSignal | undefined;
  /** Writes of the state, one after another: hosts are started beside each other. */
  saved?: Promise<void>;
}

const stateFile = (directory: string) => join(directory, "state.json");

export function readCluster(directory: string): Promise<ClusterState | undefined> {
  return readJson(stateFile(directory));
}

export function save(cluster: Cluster): Promise<void> {
  const write = () => writeJson(stateFile(cluster.directory), cluster.state);
  cluster.saved = (cluster.saved ?? Promise.resolve()).then(write, write);
  return cluster.saved;
}

/** The host's own directory: what it finds again when it boots, and its logs. */
export function diskOf(cluster: Cluster, host: HostPlan): string {
  return join(cluster.directory, host.name);
}

export function logOf(cluster: Cluster, host: HostPlan, service: Service | "host"): string {
  return join(diskOf(cluster, host), "logs", `${service}.log`);
}

export function credentialsFile(directory: string): string {
  return join(directory, ".shakenfist");
}

/** Rejects, naming all hosts, when there is no such one. */
export function findHost(cluster: Cluster, name: string): HostPlan {
  const { hosts } = cluster.state.plan;
  const found = hosts.find((host) => host.name === name);
  if (found !== undefined) return found;
  const names = hosts.map((host) => host.name).join(", ");
  throw new Error(`no host is named '${name}'; there are ${names}`);
}

/** undefined when it is off. */
export function runningHost(cluster: Cluster, host: HostPlan): RunningHost | undefined {
  const known = cluster.state.hosts[host.name];
  return isAlive(known?.init) ? known : undefined;
}

export function requireRunning(cluster: Cluster, host: HostPlan): RunningHost {
  const running = runningHost(cluster, host);
  if (running === undefined) throw new Error(`${host.name} is off: start it first`);
  return running;
}
