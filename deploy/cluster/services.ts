// The programs of a host: an etcd member, or libvirt and a node. Each is left alone if it runs, and awaited until it answers.

import { apiAnswers, etcdHealth, listens } from "../lib/probes.ts";
import { endOf, isAlive, stopDaemon } from "../lib/processes.ts";
import { NODE_PROGRAM } from "../lib/quick-start.ts";
import { run } from "../lib/run.ts";
import { until } from "../lib/until.ts";
import { insideHost, startService } from "./host.ts";
import { apiUrl, ETCD_PORT, type HostPlan, nodeSettings, type Plan } from "./plan.ts";
import { type Cluster, logOf, type RunningHost, requireRunning, type Service } from "./state.ts";

const READY_MS = 60_000;
const GUESTS_END_MS = 30_000;
const VIRSH = ["virsh", "-q", "-c", "qemu:///system"];

/** `more`: settings of the node for this start alone. */
export async function startServices(
  cluster: Cluster,
  host: HostPlan,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const running = requireRunning(cluster, host);
  const start = async (service: Service, argv: string[], isReady: () => Promise<boolean>, env = base()) => {
    if (!isAlive(running.services[service])) await startService(cluster, host, running, service, argv, env);
    await awaitReady(cluster, host, running, service, isReady);
  };
  const { plan } = cluster.state;
  if (host.kind === "etcd") return start("etcd", etcdCommand(plan, host), () => isHealthy(host));

  const socket = `/proc/${running.init.pid}/root/run/libvirt/virtlogd-sock`;
  await start("virtlogd", ["virtlogd"], () => listens(socket));
  await start("libvirtd", ["libvirtd"], () => virsh(running, ["list"]).then(isNotUndefined));
  const env = { ...base(), ...nodeSettings(plan, host), ...more };
  await start("node", [process.execPath, NODE_PROGRAM], () => apiAnswers(apiUrl(plan, host)), env);
}

async function awaitReady(
  cluster: Cluster,
  host: HostPlan,
  running: RunningHost,
  service: Service,
  isReady: () => Promise<boolean>,
): Promise<void> {
  const log = logOf(cluster, host, service);
  const isGone = () => !isAlive(running.services[service]);
  const explain = async () => {
    const fact = isGone() ? "ended at its start" : `is not ready after ${READY_MS / 1000} s`;
    return `${host.name}: ${service} ${fact}; the end of ${log}:\n${await endOf(log)}`;
  };
  const { signal } = cluster;
  await until(isReady, { withinMs: READY_MS, everyMs: 30, explain, isHopeless: isGone, signal });
}

/** A clean shutdown: the node first, so that its guests are brought back when the host is; then the guests. */
export async function stopServices(cluster: Cluster, host: HostPlan): Promise<void> {
  const running = requireRunning(cluster, host);
  await stopDaemon(running.services.node, 20_000);
  if (isAlive(running.services.libvirtd)) await shutDownGuests(running);
  for (const service of ["libvirtd", "virtlogd", "etcd"] as const)
    await stopDaemon(running.services[service], 10_000);
}

/** Pressed again, for a guest that still booted. One that does not heed it in time loses its power with the host. */
async function shutDownGuests(running: RunningHost): Promise<void> {
  const end = performance.now() + GUESTS_END_MS;
  const pressAll = async () => {
    const names = (await virsh(running, ["list", "--state-running", "--name"])) ?? "";
    const guests = names.split("\n").filter((name) => name !== "");
    for (const name of guests) await virsh(running, ["shutdown", name]);
    return guests.length === 0 || performance.now() > end;
  };
  const explain = () => "libvirt does not say which guests run";
  await until(pressAll, { withinMs: GUESTS_END_MS * 2, everyMs: 2_000, explain });
}

/** undefined when it fails. */
async function virsh(running: RunningHost, args: readonly string[]): Promise<string | undefined> {
  const [program, argv] = insideHost(running, [...VIRSH, ...args]);
  return run(program, argv, { timeoutMs: 20_000 }).catch(() => undefined);
}

const isNotUndefined = (value: unknown): boolean => value !== undefined;

async function isHealthy(host: HostPlan): Promise<boolean> {
  return (await etcdHealth(`${host.address}:${ETCD_PORT}`)) === "healthy";
}

/** This process's environment without settings of nodes and clients. */
export function base(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SHAKENFIST_")));
}

function etcdCommand(plan: Plan, host: HostPlan): string[] {
  const members = plan.hosts.filter(({ kind }) => kind === "etcd");
  const peer = ({ address }: HostPlan) => `http://${address}:2380`;
  const client = `http://${host.address}:${ETCD_PORT}`;
  const initial = members.map((member) => `${member.name}=${peer(member)}`).join(",");
  return [
    "etcd",
    ...[
      "--name",
      host.name,
      "--data-dir",
      "/run/disk/etcd/data",
      "--log-outputs",
      "stderr",
      "--logger",
      "zap",
    ],
    ...["--listen-client-urls", client, "--advertise-client-urls", client],
    ...["--listen-peer-urls", peer(host), "--initial-advertise-peer-urls", peer(host)],
    ...["--initial-cluster", initial],
    ...["--auto-compaction-mode", "periodic", "--auto-compaction-retention", "30m"],
  ];
}
