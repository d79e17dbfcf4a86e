// What it costs to ask the wrong node: GET …/consoledata through another node beside the same by the one that has the guest,
// turn by turn in one run. Prints figures; judges nothing. `npm run bench`; needs root.
import { startCluster, type TestCluster } from "../tests/support/cluster.ts";
import { enterSandbox } from "../tests/support/sandbox.ts";

enterSandbox(import.meta.url);

const TURNS = 500;
const WARM_UP = 50;

async function timed(cluster: TestCluster, node: string, uuid: string): Promise<number> {
  const api = cluster.apiOf(node);
  const started = performance.now();
  await api.getConsoleData(uuid, 1000);
  return performance.now() - started;
}

async function measure(cluster: TestCluster): Promise<string> {
  const made = await cluster.apiOf("sf-1").createInstance({
    name: "bench",
    cpus: 1,
    memory: 64,
    placed_on: "sf-2",
    disk: [{ size: 1, base: null, bus: null, type: "disk" }],
  });
  const times: { here: number[]; forwarded: number[] } = { here: [], forwarded: [] };
  for (let turn = 0; turn < WARM_UP + TURNS; turn++) {
    const [here, forwarded] = [
      await timed(cluster, "sf-2", made.uuid),
      await timed(cluster, "sf-1", made.uuid),
    ];
    if (turn < WARM_UP) continue;
    times.here.push(here);
    times.forwarded.push(forwarded);
  }
  await cluster.apiOf("sf-1").deleteInstance(made.uuid);
  const [here, forwarded] = [middle(times.here), middle(times.forwarded)];
  const figures = `${forwarded.toFixed(2)} ms beside ${here.toFixed(2)} ms, ratio ${(forwarded / here).toFixed(2)}`;
  return `GET consoledata, forwarded beside local, p50 of ${TURNS}: ${figures}`;
}

const middle = (values: number[]): number =>
  values.sort((one, other) => one - other)[values.length >> 1] ?? 0;

const cluster = await startCluster({ nodes: 2 });
try {
  console.log(await measure(cluster));
} finally {
  await cluster.down();
}
