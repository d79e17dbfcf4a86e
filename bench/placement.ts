// What placing costs beside etcd itself, in the same run: the choice among a thousand nodes alone; instances placed with their
// durable claims a second against bare transactions; and POST /instances, of which nothing but the records is made, against
// one transaction after the other. Prints figures; judges nothing. `npm run bench`.
import { Etcd3 } from "etcd3";
import { placeInstance } from "#shared/instances/place.ts";
import { instanceKey } from "#shared/instances/record.ts";
import { nodeKey, type Presence, presenceKey } from "#shared/nodes/record.ts";
import { openEtcd } from "#shared/ports/store/etcd.ts";
import { create, put } from "#shared/ports/store/store.ts";
import { transact } from "#shared/ports/store/transact.ts";
import { PLENTY } from "../tests/support/capacity.ts";
import { startEtcd } from "../tests/support/etcd.ts";
import { type FakeCloud, fakeCloud, small } from "../tests/support/fake-cloud.ts";
import { median } from "./figures.ts";

const NODES = 1000;
const INSTANCES = 1000;
const IN_FLIGHT = 16;
const ROUNDS = 5;
const EACH = 1000;
const SERIAL = 300;
const BATCH = 50;

const NEED = { cpus: 1, memory_mib: 1, disk_gib: 0 };

async function fill(f: FakeCloud): Promise<void> {
  const presence: Presence = {
    ...PLENTY,
    cpu_max: 1000,
    installation: "bench",
    measured: f.cloud.clock.now(),
  };
  for (let first = 0; first < NODES; first += BATCH) {
    const names = Array.from({ length: BATCH }, (_, at) => `bench-${first + at}`);
    await f.cloud.store.commit(
      names.flatMap((name) => [
        put(nodeKey(name), { name, ip: name, version: "0", lastseen: 0 }),
        put(presenceKey(name), presence),
      ]),
    );
  }
  for (let first = 0; first < INSTANCES; first += BATCH)
    await f.cloud.store.commit(
      Array.from({ length: BATCH }, (_, at) => {
        const uuid = crypto.randomUUID();
        const record = { uuid, node: `bench-${first + at}`, state: "created", state_updated: 0, ...NEED };
        return create(instanceKey(uuid), { ...record, disk_spec: [] });
      }),
    );
}

const place = (f: FakeCloud) =>
  placeInstance(f.cloud, { need: NEED, placedOn: undefined, disks: [], networks: [] });

/** One placement with its claim and a record, as a create makes them. */
const claim = (f: FakeCloud) =>
  transact(f.cloud.store, async () => {
    const { changes, node } = await place(f);
    const uuid = crypto.randomUUID();
    const record = { uuid, node, state: "created", state_updated: 0, ...NEED, disk_spec: [] };
    return [[...changes, create(instanceKey(uuid), record)], undefined];
  });

/** The same number of comparisons and writes, straight through the client. */
async function bare(client: Etcd3, mine: string): Promise<void> {
  const key = `bare/${crypto.randomUUID()}`;
  const value = JSON.stringify({ ...NEED, state: "created", uuid: key });
  await client
    .if(key, "Create", "==", 0)
    .and(`absent/${mine}`, "Create", "==", 0)
    .then(client.put(key).value(value), client.put(`bare-claim/${mine}`).value(value))
    .commit();
}

async function rate(work: (lane: number) => Promise<void>): Promise<number> {
  const started = performance.now();
  let left = EACH;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async (_, lane) => {
      while (left-- > 0) await work(lane);
    }),
  );
  return (EACH / (performance.now() - started)) * 1000;
}

async function times(work: () => Promise<unknown>): Promise<number[]> {
  const all: number[] = [];
  for (let count = 0; count < SERIAL / ROUNDS; count++) {
    const started = performance.now();
    await work();
    all.push(performance.now() - started);
  }
  return all;
}

async function benchChoice(f: FakeCloud): Promise<void> {
  await place(f);
  const each = await times(async () => place(f));
  console.log(`  placement among ${NODES} nodes, no claim: ${(median(each) * 1000).toFixed(0)} µs p50`);
}

async function benchClaims(f: FakeCloud, client: Etcd3): Promise<void> {
  const [floor, ours]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    floor.push(await rate((lane) => bare(client, String(lane))));
    ours.push(await rate(() => claim(f)));
  }
  console.log(
    `  placement with its durable claim, ${NODES} nodes, ${IN_FLIGHT} in flight: ${median(ours).toFixed(0)} a second  ` +
      `beside bare etcd transactions: ${median(floor).toFixed(0)}, ratio ${(median(ours) / median(floor)).toFixed(2)}`,
  );
}

async function benchPosts(f: FakeCloud, client: Etcd3): Promise<void> {
  const authorization = await f.authorization("system");
  const body = JSON.stringify(small());
  const request = { method: "POST", path: "/instances", authorization, body, id: "bench" };
  async function post(): Promise<void> {
    const answer = await f.dispatch(f.cloud, request);
    if (answer.status !== 200) throw new Error(String(answer.body));
  }
  const [floor, ours]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    floor.push(...(await times(() => bare(client, "serial"))));
    ours.push(...(await times(post)));
  }
  console.log(
    `  POST /instances with a record only: ${median(ours).toFixed(2)} ms p50  ` +
      `beside one etcd transaction: ${median(floor).toFixed(2)} ms, ratio ${(median(ours) / median(floor)).toFixed(2)}`,
  );
}

const etcd = await startEtcd();
const client = new Etcd3({ hosts: [`http://${etcd.host}`] });
const f = await fakeCloud({
  works: false,
  backend: () => openEtcd({ hosts: [etcd.host], prefix: "/bench" }),
  config: { API_ASYNC_WAIT: "0", RAM_SYSTEM_RESERVATION: "0" },
});
try {
  await fill(f);
  await benchChoice(f);
  await benchClaims(f, client);
  await benchPosts(f, client);
} finally {
  await f.close();
  client.close();
  await etcd.stop();
}
