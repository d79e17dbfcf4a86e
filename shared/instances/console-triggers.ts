// Hears what the guests of this node write to their consoles, for the reactions to it.
import type { Cloud } from "../cloud.ts";
import { followConsole } from "./console.ts";
import { INSTANCES, type InstanceRecord } from "./record.ts";

const ALL = -1;
const NONE = 0;
const LINE_END_CHARACTERS = 64;

export type ConsoleListener = (event: { uuid: string; before: string; text: string }) => void;

/**
 * Follows the console of every instance of this node that has its disks. What was written while this process was away is
 * not told again. Returns the way to stop.
 */
export function followConsoles(cloud: Cloud, listener: ConsoleListener): () => void {
  const followed = new Map<string, AbortController>();

  function look(uuid: string, instance: InstanceRecord | undefined): void {
    const wanted = instance?.node === cloud.node.name && hasConsole(instance);
    if (!wanted) followed.get(uuid)?.abort();
    if (!wanted || followed.has(uuid)) return;
    const stop = new AbortController();
    followed.set(uuid, stop);
    const length = instance.state === "created" ? NONE : ALL;
    void tell(cloud, uuid, { length, signal: stop.signal }, listener).finally(() => {
      if (followed.get(uuid) === stop) followed.delete(uuid);
    });
  }

  const unwatch = cloud.store.mirror.watch(INSTANCES, ({ key, after }) =>
    look(key.slice(INSTANCES.length), after?.value as InstanceRecord | undefined),
  );
  for (const { value } of cloud.store.mirror.list<InstanceRecord>(INSTANCES)) look(value.uuid, value);
  return function stopAll() {
    unwatch();
    for (const stop of followed.values()) stop.abort();
  };
}

const hasConsole = ({ state, block_devices, doomed }: InstanceRecord): boolean =>
  !doomed && (state === "creating" || state === "created") && block_devices?.finalized === true;

async function tell(
  cloud: Cloud,
  uuid: string,
  from: { length: number; signal: AbortSignal },
  listener: ConsoleListener,
): Promise<void> {
  let before = "";
  try {
    for await (const chunk of followConsole(cloud, uuid, from)) {
      const text = chunk.toString("latin1");
      listener({ uuid, before, text });
      before = (before + text).split("\n").at(-1)?.slice(-LINE_END_CHARACTERS) ?? "";
    }
  } catch (error) {
    cloud.log.warn({ err: error, instance: uuid }, "console cannot be followed");
  }
}
