// Background processes that outlive the program that starts them. Each is known by its pid and the moment the kernel
// started it, so that a pid which was given to somebody else since is never taken for ours, nor killed.
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export interface ProcessId {
  readonly pid: number;
  /** In clock ticks since the machine booted: field 22 of /proc/<pid>/stat. */
  readonly startTime: string;
  /** Start times begin anew with each boot. */
  readonly boot: string;
}

export interface Daemon {
  readonly program: string;
  readonly args: readonly string[];
  readonly log: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const LOG_LIMIT = 10 * 1024 * 1024;

/** Starts it in a session of its own, with its output appended to its log. */
export async function startDaemon(daemon: Daemon): Promise<ProcessId> {
  await mkdir(dirname(daemon.log), { recursive: true });
  await boundLog(daemon.log);
  const log = openSync(daemon.log, "a", 0o640);
  try {
    const { cwd, env = process.env } = daemon;
    const child = spawn(daemon.program, daemon.args, {
      cwd,
      env: { ...env },
      detached: true,
      stdio: ["ignore", log, log],
    });
    await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
    child.unref();
    const id = child.pid === undefined ? undefined : identify(child.pid);
    if (id === undefined) throw new Error(`${daemon.program}: ended at once\n${await endOf(daemon.log)}`);
    return id;
  } finally {
    closeSync(log);
  }
}

/** The identity of a running process; undefined when there is none, or only a dead one waiting to be reaped. */
export function identify(pid: number): ProcessId | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name stands in parentheses and may hold both spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state = "", startTime = ""] = [fields[0], fields[19]];
    return "ZX".includes(state) ? undefined : { pid, startTime, boot: bootId() };
  } catch {
    return undefined;
  }
}

export function isAlive(id: ProcessId | undefined): boolean {
  if (id === undefined) return false;
  const now = identify(id.pid);
  return now !== undefined && now.startTime === id.startTime && now.boot === id.boot;
}

/** Asks it to end, and after the grace makes it end. Answers false when it was not running. */
export async function stopDaemon(id: ProcessId | undefined, graceMs = 10_000): Promise<boolean> {
  if (id === undefined || !isAlive(id)) return false;
  signal(id, "SIGTERM");
  if (!(await hasEnded(id, graceMs))) await killDaemon(id);
  return true;
}

/** Resolves when it is gone; the first process of a PID namespace takes all others of it along. */
export async function killDaemon(id: ProcessId, withinMs = 5_000): Promise<void> {
  signal(id, "SIGKILL");
  if (!(await hasEnded(id, withinMs))) throw new Error(`process ${id.pid} cannot be killed`);
}

/** The last lines of a log, for an error message. */
export async function endOf(log: string, lines = 12): Promise<string> {
  const file = await open(log).catch(() => undefined);
  if (file === undefined) return "";
  try {
    const { size } = await file.stat();
    const length = Math.min(size, 16_384);
    const { buffer } = await file.read({ buffer: Buffer.alloc(length), position: size - length });
    return buffer.toString().trimEnd().split("\n").slice(-lines).join("\n");
  } finally {
    await file.close();
  }
}

async function boundLog(log: string): Promise<void> {
  const size = await stat(log).then(
    ({ size }) => size,
    () => 0,
  );
  if (size > LOG_LIMIT) await rename(log, `${log}.1`);
}

function signal(id: ProcessId, name: NodeJS.Signals): void {
  try {
    if (isAlive(id)) process.kill(id.pid, name);
  } catch {
    // It ended between the look and the signal.
  }
}

/** No child of ours, so the kernel tells nobody of its end: it is looked for. */
async function hasEnded(id: ProcessId, withinMs: number): Promise<boolean> {
  const end = performance.now() + withinMs;
  while (isAlive(id)) {
    if (performance.now() > end) return false;
    await delay(20);
  }
  return true;
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
