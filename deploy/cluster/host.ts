// One host of a test cluster: booted, entered, and ended as by a power loss. Its first process is all that holds it:
// with that end the other processes, guests too, the network namespace and the mounts.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { endOf, identify, isAlive, killDaemon, type ProcessId } from "../lib/processes.ts";
import { until } from "../lib/until.ts";
import type { HostPlan, Plan } from "./plan.ts";
import { type Cluster, diskOf, logOf, type RunningHost, runningHost, type Service, save } from "./state.ts";
import { plugIn, unplug } from "./underlay.ts";

const BOOT_MS = 30_000;
const END_MS = 30_000;
const HOST_PROGRAM = fileURLToPath(new URL("host.sh", import.meta.url));
const SERVICE_PROGRAM = fileURLToPath(new URL("service.sh", import.meta.url));
const NAMESPACES = ["--net", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"];

/** What a host of each kind keeps from boot to boot. */
const DIRECTORIES = {
  node: ["storage", "libvirt/lib", "libvirt/cache", "libvirt/log", "libvirt/definitions", "logs"],
  etcd: ["etcd", "logs"],
};

/** Without its services. */
export async function bootHost(cluster: Cluster, host: HostPlan): Promise<void> {
  const disk = diskOf(cluster, host);
  await endStray(disk);
  for (const directory of DIRECTORIES[host.kind]) await mkdir(join(disk, directory), { recursive: true });
  await writeFile(join(disk, "hosts"), hostsFile(cluster.state.plan));
  const init = await startInit(cluster, host, disk);
  // Before it is written down: what is written down is whole.
  await plugIn(cluster.state.plan, host, init.pid);
  cluster.state.hosts[host.name] = { init, services: {} };
  await save(cluster);
}

function hostsFile(plan: Plan): string {
  return ["127.0.0.1 localhost", ...plan.hosts.map(({ name, address }) => `${address} ${name}`), ""].join(
    "\n",
  );
}

async function startInit(cluster: Cluster, host: HostPlan, disk: string): Promise<ProcessId> {
  const path = logOf(cluster, host, "host");
  const log = openSync(path, "a", 0o640);
  const argv = [...NAMESPACES, HOST_PROGRAM, disk, host.name];
  const parent = spawn("unshare", argv, { detached: true, stdio: ["ignore", "pipe", log] });
  closeSync(log);
  await isReady(parent, async () => `${host.name}: did not boot; the end of ${path}:\n${await endOf(path)}`);
  parent.unref();
  const init = identify(childOf(parent.pid ?? 0) ?? 0);
  if (init === undefined) throw new Error(`${host.name}: ended as soon as it had booted; its log is ${path}`);
  return init;
}

/** Resolves at its first word. */
async function isReady(parent: ChildProcess, explain: () => Promise<string>): Promise<void> {
  const ending = new AbortController();
  const late = setTimeout(() => parent.kill("SIGKILL"), BOOT_MS);
  parent.once("exit", () => ending.abort());
  parent.once("error", () => ending.abort());
  try {
    if (parent.stdout === null) throw new Error("no pipe");
    await once(parent.stdout, "data", { signal: ending.signal });
  } catch (cause) {
    throw new Error(await explain(), { cause });
  } finally {
    clearTimeout(late);
    parent.stdout?.destroy();
  }
}

/** As a power loss. Resolves when nothing of it runs. */
export async function cutPower(cluster: Cluster, host: HostPlan): Promise<void> {
  const init = runningHost(cluster, host)?.init;
  if (init !== undefined) await killDaemon(init, END_MS);
  else await endStray(diskOf(cluster, host));
  delete cluster.state.hosts[host.name];
  await save(cluster);
  await unplug(host);
}

/** A host whose boot was interrupted before it was written down: two must not have one disk. */
async function endStray(disk: string): Promise<void> {
  const argv = `/bin/sh\0${HOST_PROGRAM}\0${disk}\0`;
  const pid = processes().find((each) => readIfThere(`/proc/${each}/cmdline`).startsWith(argv));
  const init = pid === undefined ? undefined : identify(pid);
  if (init !== undefined) await killDaemon(init, END_MS);
}

/** What to run, to run a program inside the host. */
export function insideHost(running: RunningHost, argv: readonly string[]): [string, string[]] {
  return ["nsenter", ["--target", String(running.init.pid), "--all", "--", ...argv]];
}

/** Starts a program that stays, with its output appended to its log; it outlives this process. */
export async function startService(
  cluster: Cluster,
  host: HostPlan,
  running: RunningHost,
  service: Service,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<void> {
  const name = `/proc/${running.init.pid}/root/run/services/${service}`;
  await rm(name, { force: true });
  const path = logOf(cluster, host, service);
  await mkdir(dirname(path), { recursive: true });
  const log = openSync(path, "a", 0o640);
  const [program, args] = insideHost(running, ["setsid", "--fork", SERVICE_PROGRAM, service, ...argv]);
  const child = spawn(program, args, { env: { ...env }, stdio: ["ignore", log, log] });
  closeSync(log);
  await once(child, "exit");
  const explain = async () =>
    `${host.name}: ${service} did not start; the end of ${path}:\n${await endOf(path)}`;
  const pid = await namedProcess(running.init, name, explain);
  const id = identify(pid);
  if (id === undefined) throw new Error(await explain());
  running.services[service] = id;
  await save(cluster);
}

/** The process, as numbered here, whose number in the host stands in the file. */
async function namedProcess(init: ProcessId, file: string, explain: () => Promise<string>): Promise<number> {
  let inner = "";
  const isWritten = async () => {
    inner = await readFile(file, "utf8").catch(() => "");
    return inner !== "";
  };
  const isHopeless = () => !isAlive(init);
  await until(isWritten, { withinMs: BOOT_MS, everyMs: 10, explain, isHopeless });
  const space = namespaceOf(init.pid);
  const found = processes().find(
    (pid) => lastField(pid, /^NSpid:.*\t(\d+)$/m) === inner.trim() && namespaceOf(pid) === space,
  );
  if (found === undefined) throw new Error(await explain());
  return found;
}

/** Of one that has only one. */
export function childOf(parent: number): number | undefined {
  return processes().find((pid) => lastField(pid, /^PPid:\t(\d+)$/m) === String(parent));
}

function processes(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function lastField(pid: number, pattern: RegExp): string | undefined {
  return pattern.exec(readIfThere(`/proc/${pid}/status`))?.[1];
}

/** Processes end while they are looked at. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function namespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return "";
  }
}
