// Whether a server speaks HTTP/2 on a new connection: it tells a connection that is dead from a server that hangs.
import { connect } from "node:http2";
import type { Tls } from "./etcd-tls.ts";

/** Never rejects; the connection is gone when it resolves. */
export function speaksHttp2(host: string, timeout_ms: number, tls?: Tls): Promise<boolean> {
  return new Promise((resolve) => {
    const session = tls === undefined ? connect(`http://${host}`) : connect(`https://${host}`, tls);
    const finish = (answer: boolean) => {
      clearTimeout(timer);
      session.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => finish(false), timeout_ms);
    session.once("remoteSettings", () => finish(true));
    session.on("error", () => finish(false));
  });
}
