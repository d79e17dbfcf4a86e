// Which other nodes a network's broadcasts go to: forwarding entries for the all-zero MAC on the VXLAN link.
// A node is never its own member: frames would come back, and guests be learnt behind the wrong port.
import { CloudError } from "../../errors.ts";
import type { Exec } from "../exec/exec.ts";

const EVERYONE = "00:00:00:00:00:00";

/** Underlay addresses in the link's mesh; none when there is no such link. */
export async function readMesh(exec: Exec, link: string): Promise<string[]> {
  const args = ["-json", "fdb", "show", "dev", link];
  const { code, stdout, stderr } = await exec.run("bridge", args, { accept: [0, 1, 255] });
  if (stderr.includes("Cannot find device")) return [];
  if (code !== 0) throw new CloudError("internal", `bridge: ${stderr.trim()}`);
  const entries = JSON.parse(stdout) as { mac: string; dst?: string }[];
  return entries.flatMap(({ mac, dst }) => (mac === EVERYONE && dst !== undefined ? [dst] : []));
}

/** Narrows the mesh from what was found to what is wanted. */
export async function ensureMesh(
  exec: Exec,
  link: string,
  found: readonly string[],
  wanted: readonly string[],
): Promise<string[]> {
  const added = [...new Set(wanted)].filter((address) => !found.includes(address));
  const removed = found.filter((address) => !wanted.includes(address));
  if (added.length + removed.length === 0) return [];
  const lines = [
    ...added.map((address) => `fdb append ${EVERYONE} dst ${address} dev ${link}`),
    ...removed.map((address) => `fdb delete ${EVERYONE} dst ${address} dev ${link}`),
  ];
  await exec.run("bridge", ["-batch", "-"], { input: `${lines.join("\n")}\n` });
  return [
    ...(added.length > 0 ? [`add mesh elements: ${added.join(" ")}`] : []),
    ...(removed.length > 0 ? [`remove mesh elements: ${removed.join(" ")}`] : []),
  ];
}
