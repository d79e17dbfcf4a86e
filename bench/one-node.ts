// What a one-node cloud costs beside its parts: creates and deletes against the same work done by hand in the same run,
// a network until its DHCP answers, memory and CPU of an idle node. Prints figures; judges nothing.
// `npm run bench`; needs root.
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startCloud, type TestCloud } from "../tests/support/cloud.ts";
import { enterSandbox } from "../tests/support/sandbox.ts";
import { prepareByHand } from "./by-hand.ts";
import { report, timed } from "./figures.ts";

enterSandbox(import.meta.url);

const ROUNDS = 9;
const IDLE_S = 60;
const ROOT = fileURLToPath(new URL("..", import.meta.url));

async function benchCreates({ api, imageUrl }: TestCloud): Promise<void> {
  const network = await api.createNetwork({ netblock: "10.0.0.0/24", name: "bench", provide_dhcp: true });
  const create = () =>
    api.createInstance({
      name: "bench",
      cpus: 1,
      memory: 128,
      disk: [{ size: 1, base: imageUrl }],
      network: [{ network_uuid: network.uuid }],
    });
  const warm = await create();
  await api.deleteInstance(warm.uuid);
  const raw: [number, number][] = [];
  const ours: [number, number][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const guest = prepareByHand(`br-vxlan-${network.vxid}`, round);
    raw.push([(await guest.start()).total, await guest.stop()]);
    const [created_ms, { uuid, state, error_message }] = await timed(create);
    if (state !== "created") throw new Error(`create ended in ${state}: ${error_message}`);
    const [deleted_ms] = await timed(() => api.deleteInstance(uuid));
    ours.push([created_ms, deleted_ms]);
  }
  report(
    "POST /instances until the domain runs",
    ours.map(([it]) => it),
    raw.map(([it]) => it),
    "qemu-img + ISO + virsh define + virsh start",
  );
  report(
    "DELETE /instances until gone",
    ours.map(([, it]) => it),
    raw.map(([, it]) => it),
    "virsh destroy + virsh undefine",
  );
  await api.deleteNetwork(network.uuid);
}

async function benchNetworks({ api }: TestCloud): Promise<void> {
  const until: number[] = [];
  const answered: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    const network = await api.createNetwork({
      netblock: "10.0.0.0/24",
      name: "bench",
      provide_dhcp: true,
      provide_nat: true,
    });
    answered.push(performance.now() - started);
    // dnsmasq holds its socket once the answer is there: the kernel tells.
    const sockets = execFileSync("ip", ["netns", "exec", network.uuid, "ss", "-Hlun", "sport = :67"], {
      encoding: "utf8",
    });
    if (!sockets.includes(":67")) throw new Error("DHCP does not listen");
    until.push(performance.now() - started);
    await api.deleteNetwork(network.uuid);
  }
  report("POST /networks until answered", answered);
  report("POST /networks until DHCP listens (asked with ss)", until);
}

function benchClient({ apiUrl, key }: TestCloud): void {
  const client = `${ROOT}dist/sf-client.js`;
  const time = (...args: string[]) =>
    Array.from({ length: ROUNDS }, () => {
      const started = performance.now();
      const { status, stderr } = spawnSync(client, args, { encoding: "utf8" });
      if (status !== 0) throw new Error(stderr);
      return performance.now() - started;
    });
  const node = Array.from({ length: ROUNDS }, () => {
    const started = performance.now();
    spawnSync(process.execPath, ["-e", "0"]);
    return performance.now() - started;
  });
  report("sf-client --help", time("--help"), node, "node -e 0");
  report(
    "sf-client instance list",
    time("--apiurl", apiUrl, "--namespace", "system", "--key", key, "instance", "list"),
    node,
    "node -e 0",
  );
}

async function benchIdle({ pid }: TestCloud): Promise<void> {
  const family = [pid(), ...childrenOf(pid())];
  const before = family.map(cpuSeconds);
  await delay(IDLE_S * 1000);
  const used = family.map((each, index) => cpuSeconds(each) - (before[index] ?? 0));
  for (const [index, each] of family.entries()) {
    const cpu = (((used[index] ?? 0) / IDLE_S) * 100).toFixed(2);
    console.log(
      `  idle: ${nameOf(each).padEnd(40)} ${(pssKib(each) / 1024).toFixed(1).padStart(6)} MiB PSS  ${cpu.padStart(5)} % of a core`,
    );
  }
  const total = family.reduce((sum, each) => sum + pssKib(each), 0) / 1024;
  const cpu = (used.reduce((sum, it) => sum + it, 0) / IDLE_S) * 100;
  console.log(
    `  idle: ${"the node, all its processes".padEnd(40)} ${total.toFixed(1).padStart(6)} MiB PSS  ${cpu.toFixed(2).padStart(5)} % of a core, over ${IDLE_S} s`,
  );
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);

const nameOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/cmdline`, "utf8")
    .split("\0")
    .slice(0, 6)
    .join(" ")
    .replaceAll(ROOT, "")
    .slice(-40);

const pssKib = (pid: number): number =>
  Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]);

/** User and system time; the kernel counts in hundredths. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const cloud = await startCloud();
try {
  await benchCreates(cloud);
  await benchNetworks(cloud);
  benchClient(cloud);
  await benchIdle(cloud);
} finally {
  await cloud.stop();
}
