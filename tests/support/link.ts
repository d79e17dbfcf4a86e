// A TCP link to a service on loopback that a test can break: cut it (connections end) or let it go silent.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Link {
  /** host:port to give to the client. */
  readonly host: string;
  /** Ends every connection and refuses new ones. */
  cut(): void;
  /** Packets are lost from now on; connections made so far never recover, as after a long partition. */
  silence(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function openLink(target: string): Promise<Link> {
  const [host, port] = target.split(":");
  const sockets = new Set<Socket>();
  let state: "up" | "cut" | "silent" = "up";
  const server = createServer((near) => {
    keep(near);
    if (state === "cut") near.destroy();
    if (state !== "up") return;
    const far = connect(Number(port), host);
    keep(far);
    near.pipe(far);
    far.pipe(near);
  });
  function keep(socket: Socket): void {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  }
  function end(): void {
    for (const socket of sockets) socket.destroy();
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      state = "cut";
      end();
    },
    silence() {
      state = "silent";
      for (const socket of sockets) socket.unpipe().pause();
    },
    mend() {
      state = "up";
    },
    async close() {
      end();
      server.close();
      await once(server, "close");
    },
  };
}
