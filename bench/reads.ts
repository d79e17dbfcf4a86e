// Reads and logins beside their floors in the same run: one instance and lists of 100 and 1 000 against a bare server that
// sends the same bytes, a repeated login against a first one, other routes while sixteen log in. Prints ratios; judges nothing.
// `npm run bench`; needs root.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { fileURLToPath } from "node:url";
import type { InstanceRecord } from "../shared/instances/record.ts";
import { instanceKey } from "../shared/instances/record.ts";
import { create } from "../shared/ports/store/store.ts";
import { NODE_NAME, startCloud, type TestCloud } from "../tests/support/cloud.ts";
import { NODE_ADDRESS } from "../tests/support/network-host.ts";
import { enterSandbox } from "../tests/support/sandbox.ts";

enterSandbox(import.meta.url);

const CONNECTIONS = 16;
const SECONDS = 2;
const ROUNDS = 3;
const BARE_PORT = 13_500;
const BARE = fileURLToPath(new URL("bare-server.ts", import.meta.url));

interface Load {
  rate: number;
  /** What the server's process used. */
  cpu_us: number;
  p50_ms: number;
  p99_ms: number;
}

/** Keeps `CONNECTIONS` busy for a while. */
async function load(url: string, token: string, server: number, seconds = SECONDS): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const times: number[] = [];
  const cpuBefore = cpuSeconds(server);
  const end = performance.now() + seconds * 1000;
  async function client(): Promise<void> {
    while (performance.now() < end) {
      const started = performance.now();
      await get(url, token, agent);
      times.push(performance.now() - started);
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  agent.destroy();
  const cpu_us = ((cpuSeconds(server) - cpuBefore) * 1e6) / times.length;
  times.sort((a, b) => a - b);
  const at = (part: number) => times[Math.floor(times.length * part)] ?? Number.NaN;
  return { rate: times.length / seconds, cpu_us, p50_ms: at(0.5), p99_ms: at(0.99) };
}

/** User and system time of a process; the kernel counts in hundredths. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function get(url: string, token: string, agent: Agent): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, headers: { authorization: `Bearer ${token}` } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () =>
        answer.statusCode === 200
          ? resolve(Buffer.concat(chunks))
          : reject(new Error(`${url}: ${answer.statusCode}`)),
      );
    });
    sent.on("error", reject);
    sent.end();
  });
}

async function login({ apiUrl, key }: TestCloud): Promise<string> {
  const answer = await fetch(`${apiUrl}/auth`, {
    method: "POST",
    body: JSON.stringify({ namespace: "system", key }),
  });
  return ((await answer.json()) as { access_token: string }).access_token;
}

/** Records only: nothing runs behind them. */
async function fill({ store }: TestCloud, from: number, to: number): Promise<void> {
  for (let index = from; index < to; index += 50) {
    const some = Array.from({ length: Math.min(50, to - index) }, (_, offset) => record(index + offset));
    await store.commit(some.map((each) => create(instanceKey(each.uuid), each)));
  }
}

function record(index: number): InstanceRecord {
  return {
    uuid: `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
    name: `bench-${index}`,
    namespace: "system",
    cpus: 1,
    memory_mib: 1024,
    disk_spec: [
      { size: 8, base: "http://example.com/an-image-with-a-long-name.qcow2", bus: null, type: "disk" },
    ],
    ssh_key: `ssh-rsa ${"A".repeat(372)} somebody@example.com`,
    user_data: Buffer.from("#cloud-config\n".repeat(20)).toString("base64"),
    video: { model: "cirrus", memory: 16_384 },
    node: `not-${NODE_NAME}`,
    requested_placement: null,
    placement_attempts: 1,
    console_port: 30_000,
    vdi_port: 30_001,
    block_devices: null,
    state: "created",
    state_updated: 1_700_000_000.5,
    power_state: "on",
    power_state_previous: "initial",
    power_state_updated: 1_700_000_000.5,
    error_message: null,
    interface_uuids: [],
    metadata: {},
    doomed: false,
    leftovers: false,
  };
}

async function startBare(bytes: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["--import", "tsx", BARE, String(BARE_PORT), String(bytes)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return child;
}

/** The same bytes from both, in turns. */
async function compare(what: string, url: string, token: string, server: number): Promise<void> {
  const bytes = (await get(url, token, new Agent())).length;
  const bare = await startBare(bytes);
  const ours: Load[] = [];
  const theirs: Load[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    theirs.push(await load(`http://${NODE_ADDRESS}:${BARE_PORT}/`, token, bare.pid ?? 0));
    ours.push(await load(url, token, server));
  }
  bare.kill();
  const [mine, floor] = [median(ours.map(({ rate }) => rate)), median(theirs.map(({ rate }) => rate))];
  const p50 = median(ours.map(({ p50_ms }) => p50_ms));
  const [cpu, floorCpu] = [
    median(ours.map(({ cpu_us }) => cpu_us)),
    median(theirs.map(({ cpu_us }) => cpu_us)),
  ];
  console.log(
    `  ${what} (${bytes} bytes): ${mine.toFixed(0)}/s, p50 ${p50.toFixed(2)} ms; bare server ${floor.toFixed(0)}/s, ratio ${(mine / floor).toFixed(2)}; CPU a request ${cpu.toFixed(0)} µs, bare ${floorCpu.toFixed(0)} µs`,
  );
}

const median = (values: number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function benchLogins(cloud: TestCloud, token: string): Promise<void> {
  const time = async () => {
    const started = performance.now();
    await login(cloud);
    return performance.now() - started;
  };
  await cloud.stopNode();
  await cloud.startNode();
  const first = await time();
  const repeated = median([await time(), await time(), await time(), await time(), await time()]);
  console.log(
    `  login: first ${first.toFixed(1)} ms, repeated ${repeated.toFixed(2)} ms, ratio ${(repeated / first).toFixed(3)}`,
  );
  const quiet = await load(`${cloud.apiUrl}/`, token, cloud.pid(), 2);
  await cloud.stopNode();
  await cloud.startNode();
  const logins = Promise.allSettled(Array.from({ length: 16 }, () => login(cloud)));
  const busy = await load(`${cloud.apiUrl}/`, token, cloud.pid(), 2);
  await logins;
  console.log(
    `  GET / beside 16 first logins at once: p99 ${busy.p99_ms.toFixed(2)} ms (quiet: ${quiet.p99_ms.toFixed(2)} ms)`,
  );
}

const cloud = await startCloud();
try {
  const token = await login(cloud);
  await fill(cloud, 0, 100);
  await compare(
    "GET /instances/{uuid} of 100",
    `${cloud.apiUrl}/instances/${record(7).uuid}`,
    token,
    cloud.pid(),
  );
  await compare("GET /instances of 100", `${cloud.apiUrl}/instances`, token, cloud.pid());
  await fill(cloud, 100, 1000);
  await compare("GET /instances of 1000", `${cloud.apiUrl}/instances`, token, cloud.pid());
  await benchLogins(cloud, token);
} finally {
  await cloud.stop();
}
