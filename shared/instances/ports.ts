// Console and VNC ports of a node: outside the range from which the kernel takes ports for connections.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { portPrefix } from "./record.ts";

/** The first and the last port of CONSOLE_PORTS. Rejects with "malformed". */
export function portRange(text: string): [number, number] {
  const [, first, last] = (/^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []).map(Number);
  if (first === undefined || last === undefined || first < 1024 || last > 65_535 || first >= last) {
    throw new CloudError(
      "malformed",
      `SHAKENFIST_CONSOLE_PORTS: '${text}' is not a range such as 30000-32767`,
    );
  }
  return [first, last];
}

/** Two free ports of the node, at random. Rejects with "insufficient" when there are none. */
export function pickPorts(cloud: Cloud, node: string): [number, number] {
  const [first, last] = portRange(cloud.config.CONSOLE_PORTS);
  const prefix = portPrefix(node);
  const used = new Set(cloud.store.mirror.list(prefix).map(({ key }) => Number(key.slice(prefix.length))));
  const free: number[] = [];
  const size = last - first + 1;
  const offset = Math.floor(Math.random() * size);
  for (let step = 0; step < size && free.length < 2; step++) {
    const port = first + ((offset + step) % size);
    if (!used.has(port)) free.push(port);
  }
  const [one, other] = free;
  if (one === undefined || other === undefined)
    throw new CloudError("insufficient", `node ${node}: no free console ports`);
  return [one, other];
}
