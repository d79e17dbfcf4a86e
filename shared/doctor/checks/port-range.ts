// Ports of consoles that the kernel may give to connections: a guest then cannot listen on its own.
import { readFile } from "node:fs/promises";
import { portRange } from "../../instances/ports.ts";
import { check } from "../check.ts";

const PROC = "/proc/sys/net/ipv4";

export const portsReserved = check({
  name: "port-range",
  summary: "The kernel gives no console ports to connections",
  scope: "node",
  reads_store: false,

  async find({ config }) {
    const [range, reserved] = await Promise.all(
      ["ip_local_port_range", "ip_local_reserved_ports"].map((name) => readFile(`${PROC}/${name}`, "utf8")),
    );
    const [first, last] = portRange(config.CONSOLE_PORTS);
    const free = unreserved([first, last], range ?? "", reserved ?? "");
    if (free === 0) return [];
    const problem = `${free} of its ports are also given to connections`;
    const mend = `sysctl -w net.ipv4.ip_local_reserved_ports=${config.CONSOLE_PORTS}`;
    return [{ subject: `SHAKENFIST_CONSOLE_PORTS ${config.CONSOLE_PORTS}`, problem, mend }];
  },
});

/** How many of the ports are in the kernel's range and not reserved; both as in /proc. */
export function unreserved([first, last]: [number, number], range: string, reserved: string): number {
  const [low = 0, high = 0] = range.trim().split(/\s+/).map(Number);
  const kept = reserved
    .trim()
    .split(",")
    .filter((part) => part !== "")
    .map((part) => part.split("-").map(Number));
  const isKept = (port: number) => kept.some(([from = 0, to = from]) => port >= from && port <= to);
  let count = 0;
  for (let port = Math.max(first, low); port <= Math.min(last, high); port++) if (!isKept(port)) count += 1;
  return count;
}
