// Reads and logins beside their floors in the same run: one instance of 100 against a bare server that says "hello", lists
// of 100 and 1 000 against one that sends the same bytes, a repeated login against a first one, other routes while sixteen
// log in. Prints figures; judges nothing. `npm run bench`; needs root.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { InstanceRecord } from "#shared/instances/record.ts";
import { instanceKey } from "#shared/instances/record.ts";
import { presenceKey } from "#shared/nodes/record.ts";
import { create, put } from "#shared/ports/store/store.ts";
import { NODE_NAME, startCloud, type TestCloud } from "../tests/support/cloud.ts";
import { NODE_ADDRESS } from "../tests/support/network-host.ts";
import { enterSandbox } from "../tests/support/sandbox.ts";
import { median } from "./figures.ts";
import { type Load, load, paced, type Target, typical } from "./load.ts";

enterSandbox(import.meta.url);

const CONNECTIONS = 16;
const SECONDS = 2;
const ROUNDS = 5;
const BESIDE_SECONDS = 4;
const PAUSE_MS = 5;
const LOGINS = 16;
const BARE_PORT = 13_500;
const BARE = fileURLToPath(new URL("bare-server.ts", import.meta.url));
const HELLO_BYTES = 5;
const OTHER_NODE = `not-${NODE_NAME}`;
const PRESENCE = { cpu_max: 1, memory_max_mib: 1, memory_available_mib: 0, disk_free_gib: 0 };

async function login({ apiUrl, key }: TestCloud): Promise<string> {
  const answer = await post(apiUrl, { namespace: "system", key });
  return ((await answer.json()) as { access_token: string }).access_token;
}

const post = (apiUrl: string, body: object): Promise<Response> =>
  fetch(`${apiUrl}/auth`, { method: "POST", body: JSON.stringify(body) });

/** Records only, of a node that seems to be there: nothing runs behind them. */
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
    node: OTHER_NODE,
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

/** In turns, after one of each that does not count; without `bytes`, the bare server sends as many as the node. */
async function compare(what: string, ours: Target, bytes?: number): Promise<void> {
  const sent = await sizeOf(ours);
  const bare = await startBare(bytes ?? sent);
  const theirs = { ...ours, url: `http://${NODE_ADDRESS}:${BARE_PORT}/`, pid: bare.pid ?? 0 };
  const rounds: [Load, Load][] = [];
  for (let round = 0; round <= ROUNDS; round++)
    rounds.push([await load(ours, SECONDS, CONNECTIONS), await load(theirs, SECONDS, CONNECTIONS)]);
  bare.kill();
  const [mine, floor] = [0, 1].map((which) =>
    typical(rounds.slice(1).map((each) => each[which] as Load)),
  ) as [Load, Load];
  const ratio = median(rounds.slice(1).map(([one, other]) => one.rate / other.rate));
  console.log(
    `  ${what} (${sent} bytes): ${shown(mine)}; bare server, ${bytes ?? sent} bytes: ${shown(floor)}; ` +
      `ratio ${ratio.toFixed(2)}, of CPU ${(floor.cpu_us / mine.cpu_us).toFixed(2)}`,
  );
}

async function sizeOf({ url, token }: Target): Promise<number> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status}`);
  return (await answer.arrayBuffer()).byteLength;
}

const shown = ({ rate, cpu_us, p50_ms }: Load): string =>
  `${rate.toFixed(0)}/s, CPU ${cpu_us.toFixed(1)} µs, p50 ${p50_ms.toFixed(2)} ms`;

async function benchLogin(cloud: TestCloud): Promise<void> {
  const time = async () => {
    const started = performance.now();
    await login(cloud);
    return performance.now() - started;
  };
  await cloud.stopNode();
  await cloud.startNode();
  await fetch(cloud.apiUrl);
  const first = await time();
  const repeated = median([await time(), await time(), await time(), await time(), await time()]);
  console.log(
    `  login: first ${first.toFixed(1)} ms, repeated ${repeated.toFixed(2)} ms, ratio ${(repeated / first).toFixed(3)}`,
  );
}

/** Other routes while sixteen log in all the time, each as somebody new: what no memory of keys makes cheap. */
async function benchLoginsBeside(cloud: TestCloud, token: string): Promise<void> {
  const one = `/instances/${record(7).uuid}`;
  for (const path of ["/", one, "/instances", "/networks", "/nodes", "/auth/namespaces"]) {
    const target = { url: `${cloud.apiUrl}${path}`, token, pid: cloud.pid() };
    const quiet = await paced(target, BESIDE_SECONDS, PAUSE_MS);
    const ending = new AbortController();
    const logins = Array.from({ length: LOGINS }, () => keepLoggingIn(cloud, ending.signal));
    const busy = await paced(target, BESIDE_SECONDS, PAUSE_MS);
    ending.abort();
    const count = (await Promise.all(logins)).reduce((sum, each) => sum + each, 0);
    console.log(
      `  GET ${path} beside ${LOGINS} logins at once (${count} in ${BESIDE_SECONDS} s): ` +
        `p99 ${busy.toFixed(2)} ms, quiet ${quiet.toFixed(2)} ms`,
    );
  }
}

async function keepLoggingIn({ apiUrl }: TestCloud, ending: AbortSignal): Promise<number> {
  let count = 0;
  for (; !ending.aborted; count++) {
    const { status } = await post(apiUrl, { namespace: `n-${crypto.randomUUID()}`, key: "wrong" });
    if (status !== 401) throw new Error(`login: ${status}`);
  }
  return count;
}

const cloud = await startCloud();
try {
  const token = await login(cloud);
  const target = (path: string) => ({ url: `${cloud.apiUrl}${path}`, token, pid: cloud.pid() });
  await cloud.store.commit([put(presenceKey(OTHER_NODE), PRESENCE)]);
  await fill(cloud, 0, 100);
  await compare("GET /instances/{uuid} of 100", target(`/instances/${record(7).uuid}`), HELLO_BYTES);
  await compare("GET /instances of 100", target("/instances"));
  await benchLoginsBeside(cloud, token);
  await fill(cloud, 100, 1000);
  await compare("GET /instances of 1000", target("/instances"));
  await benchLogin(cloud);
} finally {
  await cloud.stop();
}
