// The dnsmasq processes that serve a configuration file: found, judged by where they serve, started and ended.
import { readdir, readFile, stat } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { CloudError } from "../../errors.ts";
import type { Exec } from "../exec/exec.ts";

const STOP_TIMEOUT_MS = 5_000;
const BOOTPS_PORT = ":0043 ";

const commandLine = (config: string) => `dnsmasq\0--conf-file=${config}\0`;

/** Returns once it serves: dnsmasq opens its sockets before it leaves its parent. */
export async function startServer(exec: Exec, config: string, namespace: string): Promise<void> {
  await exec.run("dnsmasq", [`--conf-file=${config}`], { namespace });
}

/** The server that the pid file names, if it runs this configuration in the namespace as it is now and holds its port. */
export async function findServing(
  config: string,
  pidFile: string,
  namespace: string,
): Promise<number | undefined> {
  const pid = Number((await read(pidFile)).trim());
  if (!Number.isInteger(pid) || pid <= 1 || (await read(`/proc/${pid}/cmdline`)) !== commandLine(config))
    return undefined;
  const [own, there] = await Promise.all([inode(`/proc/${pid}/ns/net`), inode(`/run/netns/${namespace}`)]);
  if (own === undefined || own !== there) return undefined;
  const status = await read(`/proc/${pid}/status`);
  const sockets = await read(`/proc/${pid}/net/udp`);
  return /^State:\s+[RSD]/m.test(status) && sockets.includes(BOOTPS_PORT) ? pid : undefined;
}

/** Ends every server of this configuration, whatever its pid file says, and waits until they are gone. */
export async function stopServers(config: string): Promise<number> {
  const wanted = commandLine(config);
  const pids: number[] = [];
  for (const entry of await readdir("/proc")) {
    if (/^\d+$/.test(entry) && (await read(`/proc/${entry}/cmdline`)) === wanted) pids.push(Number(entry));
  }
  for (const pid of pids) kill(pid);
  await Promise.all(pids.map((pid) => gone(pid, wanted)));
  return pids.length;
}

/** Node has no handle on a process that is not its child, so this looks; a killed dnsmasq is gone within a millisecond. */
async function gone(pid: number, wanted: string): Promise<void> {
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  while ((await read(`/proc/${pid}/cmdline`)) === wanted) {
    if (performance.now() > deadline) throw new CloudError("unavailable", `dnsmasq ${pid}: does not end`);
    await pause(1);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}

async function inode(path: string): Promise<number | undefined> {
  return stat(path).then(
    (it) => it.ino,
    () => undefined,
  );
}

/** Empty for a file that is not there, and for a process that has ended. */
async function read(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
