// Several real nodes inside the sandbox: the test cluster of deploy/cluster, each host in namespaces of its own.
import { cpSync, readFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { ApiClient } from "#shared/api/client.ts";
import { systemClock } from "#shared/clock.ts";
import { silentLog } from "#shared/log.ts";
import { openEtcd } from "#shared/ports/store/etcd.ts";
import { openStore } from "#shared/ports/store/open.ts";
import type { Store } from "#shared/ports/store/store.ts";
import {
  commandInside,
  heal,
  killHost,
  killNodeProcess,
  nodeUrls,
  partition,
  startHost,
  stopHost,
  takeDown,
} from "../../deploy/cluster/cluster.ts";
import { type ClusterOptions, etcdHosts } from "../../deploy/cluster/plan.ts";
import { type Cluster, credentialsFile, findHost, logOf } from "../../deploy/cluster/state.ts";
import { bringUp } from "../../deploy/cluster/up.ts";
import { openProgress } from "../../deploy/lib/progress.ts";
import { type RunOptions, run } from "../../deploy/lib/run.ts";

type Settings = Readonly<Record<string, string>>;

export interface TestCluster {
  /** As `system`. Nodes are named sf-1 (the network node), sf-2 …, members of etcd etcd-1 …. */
  apiOf(node: string): ApiClient;
  urlOf(node: string): string;
  /** Of the namespace `system`. */
  readonly key: string;
  /** Opened from outside, on all members of etcd. */
  readonly store: Store;
  /** The tiny guest's. */
  readonly imageUrl: string;
  /** A power loss of a node's or an etcd member's host. */
  kill(host: string): Promise<void>;
  /** A clean shutdown. */
  stop(host: string): Promise<void>;
  /** Boots it with its old disk; resolves when it answers. `settings` are for this start alone. */
  start(host: string, settings?: Settings): Promise<void>;
  /** The node's process alone. */
  killProcess(node: string): Promise<void>;
  startProcess(node: string, settings?: Settings): Promise<void>;
  partition(one: string, other: string): Promise<void>;
  heal(): Promise<void>;
  /** Standard output; rejects with what it said when it fails. */
  exec(host: string, argv: readonly string[], options?: RunOptions): Promise<string>;
  /** What a node or an etcd member wrote. */
  logOf(host: string): string;
  down(): Promise<void>;
}

/** Only inside `enterSandbox`. Logs of the hosts are copied to the directory that SF_TEST_LOGS names, if it is set. */
export async function startCluster(options: ClusterOptions): Promise<TestCluster> {
  if (process.env.SF_TEST_SANDBOX !== "1") throw new Error("a cluster may run only inside the sandbox");
  const directory = await mkdtemp("/srv/shakenfist/cluster-");
  const logs = process.env.SF_TEST_LOGS;
  if (logs !== undefined) process.once("exit", () => copyLogs(directory, logs));
  const cluster = await bringUp(directory, options, openProgress({ write: () => undefined }));
  const urls = nodeUrls(cluster);
  const { key } = JSON.parse(readFileSync(credentialsFile(directory), "utf8")) as { key: string };
  const store = await openClusterStore(cluster);
  const urlOf = (node: string) => {
    const url = urls[findHost(cluster, node).name];
    if (url === undefined) throw new Error(`${node} is no node`);
    return url;
  };
  return {
    urlOf,
    apiOf: (node) => new ApiClient({ url: urlOf(node), namespace: "system", key }),
    key,
    store,
    imageUrl: cluster.state.images?.url ?? "",
    async kill(host) {
      await killHost(cluster, host);
    },
    async stop(host) {
      await stopHost(cluster, host);
    },
    start: (host, settings) => startHost(cluster, host, settings),
    killProcess: (node) => killNodeProcess(cluster, node),
    startProcess: (node, settings) => startHost(cluster, node, settings),
    partition: (one, other) => partition(cluster, one, other),
    heal: () => heal(cluster),
    exec: async (host, argv, runOptions) => run(...commandInside(cluster, host, argv), runOptions),
    logOf: (host) => readFileSync(logFile(cluster, host), "utf8"),
    async down() {
      await store.close();
      if (logs !== undefined) copyLogs(directory, logs);
      await takeDown(cluster);
    },
  };
}

async function openClusterStore(cluster: Cluster): Promise<Store> {
  const backend = openEtcd({ hosts: etcdHosts(cluster.state.plan), prefix: "/shakenfist" });
  return openStore({ backend, mirrored: [], node: "tests", clock: systemClock, log: silentLog });
}

function logFile(cluster: Cluster, name: string): string {
  const host = findHost(cluster, name);
  return logOf(cluster, host, host.kind);
}

function copyLogs(directory: string, to: string): void {
  try {
    cpSync(directory, to, {
      recursive: true,
      filter: (path) => !path.includes("/storage") && !path.includes("/etcd/") && !path.includes("/libvirt"),
    });
  } catch {
    // The cluster was taken down already.
  }
}
