// Says who stands in the way before a program fails to listen.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";

/** Rejects, naming the port, its use and where possible the holder, when nothing of ours could listen there. */
export async function requireFreePort(
  address: string,
  port: number,
  use: string,
  setting?: string,
): Promise<void> {
  const code = await tryPort(address, port);
  if (code === undefined) return;
  if (code !== "EADDRINUSE")
    throw new Error(`${address}:${port}, for ${use}: cannot be listened on (${code})`);
  const holder = findHolder(port);
  const who = holder === undefined ? "another program" : `${holder.name} (process ${holder.pid})`;
  const choice = setting === undefined ? "" : `, or choose another with ${setting}`;
  throw new Error(`port ${port}, for ${use}, is taken by ${who}; end it${choice}`);
}

/** undefined when it could be listened on, else the error's code. */
function tryPort(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** The process that listens on this TCP port, as far as this user may see it. */
export function findHolder(port: number): { pid: number; name: string } | undefined {
  const sockets = listeningSockets(port);
  if (sockets.size === 0) return undefined;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    if (!holdsOneOf(pid, sockets)) continue;
    return { pid: Number(pid), name: readFileSync(`/proc/${pid}/comm`, "utf8").trim() };
  }
  return undefined;
}

function listeningSockets(port: number): Set<string> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  const sockets = new Set<string>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of readFileSync(table, "utf8").trim().split("\n").slice(1)) {
      const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
      if (state === "0A" && local.endsWith(`:${hexPort}`)) sockets.add(`socket:[${inode}]`);
    }
  }
  return sockets;
}

function holdsOneOf(pid: string, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`)));
  } catch {
    // It ended, or closed the file, while it was looked at.
    return false;
  }
}
