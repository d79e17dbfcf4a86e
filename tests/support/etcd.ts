// An etcd of a test's own, on loopback, with a data directory of its own. It can be killed, frozen and started again.
// It dies with the test process, even when that is killed.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const START_MS = 20_000;

export interface TestEtcd {
  /** host:port for clients. */
  readonly host: string;
  readonly pid: number;
  /** At once, as in a power loss. */
  kill(): Promise<void>;
  /** Starts again with the same data and the same ports. */
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** Files by which it is spoken to over TLS, by who has a certificate of the same authority. */
export interface TestEtcdTls {
  ca: string;
  cert: string;
  key: string;
}

/** Resolves when it answers. */
export async function startEtcd(tls?: TestEtcdTls): Promise<TestEtcd> {
  const [etcd] = await startEtcdCluster(1, tls);
  if (etcd === undefined) throw new Error("no etcd");
  return etcd;
}

export async function startEtcdCluster(members: number, tls?: TestEtcdTls): Promise<TestEtcd[]> {
  const ports = await freePorts(members * 2);
  const peers = ports.slice(members);
  const cluster = peers.map((port, at) => `m${at}=http://127.0.0.1:${port}`).join(",");
  return Promise.all(peers.map((peer, at) => startMember(`m${at}`, Number(ports[at]), peer, cluster, tls)));
}

async function startMember(
  name: string,
  port: number,
  peer: number,
  cluster: string,
  tls: TestEtcdTls | undefined,
): Promise<TestEtcd> {
  const directory = await mkdtemp(join(tmpdir(), "etcd-"));
  const client = `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  const urls = { client, peer: `http://127.0.0.1:${peer}` };
  const options = [
    ["--name", name],
    ["--data-dir", directory],
    ["--listen-client-urls", urls.client],
    ["--advertise-client-urls", urls.client],
    ["--listen-peer-urls", urls.peer],
    ["--initial-advertise-peer-urls", urls.peer],
    ["--initial-cluster", cluster],
    ["--heartbeat-interval", "50"],
    ["--election-timeout", "250"],
    ["--logger", "zap"],
    tls === undefined
      ? []
      : ["--cert-file", tls.cert, "--key-file", tls.key, "--trusted-ca-file", tls.ca, "--client-cert-auth"],
  ].flat();
  let child = await ready(options);
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.ref();
    child.kill("SIGKILL");
    await exited;
  };
  const remove = () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  const leave = () => {
    child.kill("SIGKILL");
    remove();
  };
  process.once("exit", leave);
  return {
    host: `127.0.0.1:${port}`,
    get pid() {
      return child.pid ?? 0;
    },
    kill,
    async restart() {
      child = await ready(options);
    },
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
    async stop() {
      await kill();
      remove();
      process.off("exit", leave);
    },
  };
}

/** Starts it and waits for its own word that it serves. */
function ready(options: string[]): Promise<ChildProcess> {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "etcd", ...options], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  return new Promise((resolve, reject) => {
    const lines: string[] = [];
    const fail = (why: string) => {
      child.kill("SIGKILL");
      reject(new Error(`etcd ${why}:\n${lines.slice(-10).join("\n")}`));
    };
    const timer = setTimeout(() => fail(`did not start within ${START_MS} ms`), START_MS);
    child.once("exit", (code) => fail(`exited with ${code}`));
    child.once("error", (error) => fail(error.message));
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (lines.push(line) > 20) lines.shift();
      if (!line.includes("serving client traffic") && !line.includes("ready to serve client requests"))
        return;
      clearTimeout(timer);
      child.removeAllListeners("exit");
      resolve(child);
    });
    child.unref();
  });
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
