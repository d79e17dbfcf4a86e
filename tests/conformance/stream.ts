// One connection at a time, over which requests go as raw bytes: what a well-behaved client would not let through.
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export type Outcome = { status: number } | { status: "closed" | "cut" };

export interface Stream {
  /** `cut`: the connection ends before these bytes do. Rejects when no answer comes in time. */
  send(bytes: Buffer, cut: boolean): Promise<Outcome>;
  close(): void;
}

export function openStream(host: string, port: number, patience_ms: number): Stream {
  let socket: Socket | undefined;

  async function connected(): Promise<Socket> {
    if (socket !== undefined && !socket.destroyed && socket.writable) return socket;
    socket = connect({ host, port, noDelay: true });
    socket.on("error", () => {});
    await once(socket, "connect", { signal: AbortSignal.timeout(patience_ms) });
    return socket;
  }

  async function send(bytes: Buffer, cut: boolean): Promise<Outcome> {
    const open = await connected();
    const isHead = bytes.subarray(0, 5).toString("latin1") === "HEAD ";
    if (cut) {
      await new Promise((resolve) => open.write(bytes, resolve));
      open.destroy();
      return { status: "cut" };
    }
    const answer = readAnswer(open, patience_ms, isHead);
    open.write(bytes);
    // uWebSockets.js ends the connection itself, a moment after it has answered a HEAD.
    return isHead ? answer.finally(() => open.destroy()) : answer;
  }
  return { send, close: () => socket?.destroy() };
}

/** To the end of the body, so that the connection can be used again. */
function readAnswer(socket: Socket, patience_ms: number, isHead: boolean): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let text = "";
    const finish = (act: () => void) => {
      clearTimeout(timer);
      socket.off("data", take).off("close", closed);
      act();
    };
    const timer = setTimeout(
      () => finish(() => reject(new Error(`no answer within ${patience_ms / 1000} s`))),
      patience_ms,
    );
    const closed = () => finish(() => resolve({ status: "closed" }));
    const take = (part: Buffer) => {
      text += part.toString("latin1");
      const status = statusOf(text, isHead);
      if (status === undefined) return;
      // An answer without a length may never end.
      if (/\r\ntransfer-encoding: chunked\r\n/i.test(text)) socket.destroy();
      finish(() => resolve({ status }));
    };
    socket.on("data", take).once("close", closed);
  });
}

/** Once the answer is there as a whole. */
function statusOf(text: string, isHead: boolean): number | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const length = isHead ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, end + 2))?.[1] ?? 0);
  return text.length - end - 4 >= length ? Number(text.slice(9, 12)) : undefined;
}
