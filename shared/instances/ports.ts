// Console and VNC ports of a node: outside the range from which the kernel takes ports for connections. Another program
// of the node may have one all the same: the instance then gets others.
import type { Cloud } from "../cloud.ts";
import { CloudError, messageOf } from "../errors.ts";
import { create, discard, replace } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import { type InstanceRecord, instanceKey, portKey, portPrefix } from "./record.ts";
import { isStarting } from "./states.ts";

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

/** QEMU's words, handed on by libvirt, when something listens on a port of the domain. */
export const isPortTaken = (error: unknown): boolean => /address already in use/i.test(messageOf(error));

/** Gives the instance two other ports of its node. Answers the new record; undefined for one that is to be deleted. */
export function movePorts(cloud: Cloud, uuid: string): Promise<InstanceRecord | undefined> {
  return transact<InstanceRecord | undefined>(cloud.store, () => {
    const entry = cloud.store.mirror.get<InstanceRecord>(instanceKey(uuid));
    if (entry === undefined || !isWanted(entry.value)) return [[], undefined];
    const { node, console_port, vdi_port } = entry.value;
    const [one, other] = pickPorts(cloud, node);
    const moved = { ...entry.value, console_port: one, vdi_port: other };
    const changes = [
      replace(entry, moved),
      ...[one, other].map((port) => create(portKey(node, port), { instance: uuid })),
      ...[console_port, vdi_port].map((port) => discard(portKey(node, port))),
    ];
    return [changes, moved];
  });
}

const isWanted = (instance: InstanceRecord): boolean =>
  isStarting(instance) || (instance.state === "created" && !instance.doomed);
