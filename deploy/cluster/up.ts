// Brings a test cluster up: the underlay, the members of etcd, a key, the image server, the nodes.
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf } from "#shared/errors.ts";
import { makeKey } from "../lib/credentials.ts";
import { requireFreePort } from "../lib/ports.ts";
import { isServed } from "../lib/probes.ts";
import { endOf, isAlive, startDaemon } from "../lib/processes.ts";
import type { Progress } from "../lib/progress.ts";
import { CHECKOUT, NODE_PROGRAM } from "../lib/quick-start.ts";
import { run } from "../lib/run.ts";
import { until } from "../lib/until.ts";
import { tinyGuest } from "../tiny-guest/build.ts";
import { powerOn, takeDown } from "./cluster.ts";
import {
  apiUrl,
  type ClusterOptions,
  type HostPlan,
  networkNode,
  nodeSettings,
  planCluster,
} from "./plan.ts";
import { base } from "./services.ts";
import { type Cluster, credentialsFile, save } from "./state.ts";
import { cutOff, makeUnderlay, requireFreeUnderlay } from "./underlay.ts";

const IMAGE_PORT = 13002;
/** Where a node's storage is put, inside its host. */
const STORAGE = "/srv/shakenfist";

/** If it fails, nothing of it is left. */
export async function bringUp(
  directory: string,
  options: ClusterOptions,
  progress: Progress,
  signal?: AbortSignal,
): Promise<Cluster> {
  const plan = planCluster(options);
  await requireFreeUnderlay(plan);
  const { image } = await progress.step(
    "tiny guest image",
    (say) => tinyGuest({ say, ...(signal === undefined ? {} : { signal }) }),
    (guest) => guest.image,
  );
  const cluster: Cluster = {
    directory,
    state: { plan, isUp: false, hosts: {}, partitions: [], made: missing([STORAGE, dirname(directory)]) },
    signal,
  };
  await save(cluster);
  try {
    await progress.step("underlay", () => openUnderlay(cluster), String);
    await startAll(cluster, progress, "etcd");
    await progress.step("credentials", () => giveCredentials(cluster), String);
    await progress.step("image server", () => serveGuestImage(cluster, image), String);
    await startAll(cluster, progress, "node");
    cluster.state.isUp = true;
    await save(cluster);
    return cluster;
  } catch (error) {
    await takeDown(cluster).catch((left) => progress.say(`not taken down: ${messageOf(left)}`));
    throw error;
  }
}

function missing(paths: readonly string[]): string[] {
  return paths.filter((path) => !existsSync(path));
}

async function openUnderlay(cluster: Cluster): Promise<string> {
  const { plan } = cluster.state;
  await mkdir(STORAGE, { recursive: true });
  await makeUnderlay(plan);
  await cutOff(plan, []);
  return `${plan.underlay}, MTU ${plan.mtu}`;
}

/** Together: members of etcd wait for each other. */
async function startAll(cluster: Cluster, progress: Progress, kind: HostPlan["kind"]): Promise<void> {
  const hosts = cluster.state.plan.hosts.filter((host) => host.kind === kind);
  const names = hosts.map(({ name }) => name).join(", ");
  await progress.step(
    names,
    async () => {
      const starts = await Promise.allSettled(hosts.map((host) => powerOn(cluster, host)));
      const failed = starts.find((start) => start.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    },
    () => (kind === "etcd" ? "healthy" : "answer"),
  );
}

async function giveCredentials(cluster: Cluster): Promise<string> {
  const { plan } = cluster.state;
  const node = networkNode(plan);
  const key = makeKey();
  await run(NODE_PROGRAM, ["set-key", "system", "cluster"], {
    cwd: CHECKOUT,
    env: { ...base(), ...nodeSettings(plan, node) },
    input: key,
  });
  const file = credentialsFile(cluster.directory);
  const credentials = { namespace: "system", key, apiurl: apiUrl(plan, node) };
  await writeFile(file, `${JSON.stringify(credentials)}\n`, { mode: 0o600 });
  return file;
}

async function serveGuestImage(cluster: Cluster, image: string): Promise<string> {
  const { gateway } = cluster.state.plan;
  await requireFreePort(gateway, IMAGE_PORT, "the tiny guest's image");
  const url = `http://${gateway}:${IMAGE_PORT}/tiny.qcow2`;
  const log = join(cluster.directory, "images.log");
  const args = ["--import", "tsx", "deploy/serve-image.ts", image, String(IMAGE_PORT), gateway];
  const process_ = await startDaemon({ program: process.execPath, args, log, cwd: CHECKOUT });
  cluster.state.images = { process: process_, url };
  await save(cluster);
  await until(() => isServed(url), {
    withinMs: 30_000,
    explain: async () => `the image server does not answer; the end of ${log}:\n${await endOf(log)}`,
    isHopeless: () => !isAlive(process_),
    signal: cluster.signal,
  });
  return url;
}
