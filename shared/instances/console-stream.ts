// Consoles followed by clients: a bounded number on each node, as each holds a connection and an open file.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { followConsole } from "./console.ts";

type Read = (signal: AbortSignal) => AsyncGenerator<Buffer>;

/** What a client is sent that follows this console. Throws "unavailable" when too many do. */
export function consoleStream(cloud: Cloud, uuid: string, length: number): Read {
  requireRoom(cloud);
  // Counted once it is read: one whose client is gone before that is never read.
  return async function* read(signal) {
    requireRoom(cloud);
    const streams = openStreams(cloud);
    streams.count++;
    try {
      yield* followConsole(cloud, uuid, { length, signal });
    } finally {
      streams.count--;
    }
  };
}

/** How many clients of this node follow a console. */
export const openStreams = (cloud: Cloud): { count: number } =>
  cloud.memo.of(cloud.store, "console streams", () => ({ count: 0 }));

function requireRoom(cloud: Cloud): void {
  const most = cloud.config.CONSOLE_STREAMS;
  if (openStreams(cloud).count < most) return;
  const words = `node ${cloud.node.name}: ${most} consoles are followed already; end one, or ask for consoledata`;
  throw new CloudError("unavailable", words);
}
