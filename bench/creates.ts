// Where the time of a create goes, beside the same guest made by hand; and ten creates at once beside ten by hand at once.
// Prints figures; judges nothing. `node --import tsx bench/creates.ts`; needs root.
import type { ApiClient } from "#shared/api/client.ts";
import { startCloud, type TestCloud } from "../tests/support/cloud.ts";
import { enterSandbox } from "../tests/support/sandbox.ts";
import { type HandMade, prepareByHand, type Start } from "./by-hand.ts";
import { figure, median, report, timed } from "./figures.ts";

enterSandbox(import.meta.url);

const ROUNDS = 9;
const AT_ONCE = 10;
const ROUNDS_AT_ONCE = 5;

/** The steps of a start as its events name them. */
const LIBVIRT = "create domain";
const QEMU_IMG = "create disks";

interface Created {
  total: number;
  steps: Map<string, number>;
}

async function create({ api, imageUrl }: TestCloud, network: string, name: string): Promise<string> {
  const { uuid, state, error_message } = await api.createInstance({
    ...{ name, cpus: 1, memory: 128 },
    disk: [{ size: 1, base: imageUrl }],
    network: [{ network_uuid: network }],
  });
  if (state !== "created") throw new Error(`create ended in ${state}: ${error_message}`);
  return uuid;
}

/** Milliseconds of each step, from the events that end them. */
async function stepsOf(api: ApiClient, uuid: string): Promise<Map<string, number>> {
  const events = await api.listEvents("instances", uuid);
  const ended = events.filter(({ phase, duration }) => phase === "finish" && duration !== null);
  return new Map(ended.map(({ operation, duration }) => [operation ?? "", (duration ?? 0) * 1000]));
}

const outside = ({ total, steps }: Created): number =>
  total - (steps.get(LIBVIRT) ?? 0) - (steps.get(QEMU_IMG) ?? 0);
const outsideByHand = ({ total, qemu_img, libvirt }: Start): number => total - qemu_img - libvirt;

async function benchPhases(cloud: TestCloud, network: string, bridge: string): Promise<void> {
  const ours: Created[] = [];
  const raw: Start[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const guest = prepareByHand(bridge, round);
    raw.push(await guest.start());
    await guest.stop();
    const [total, uuid] = await timed(() => create(cloud, network, "bench"));
    ours.push({ total, steps: await stepsOf(cloud.api, uuid) });
    await cloud.api.deleteInstance(uuid);
  }
  const names = [...new Set(ours.flatMap(({ steps }) => [...steps.keys()]))];
  console.log(`  one create of a cached image, ${ROUNDS} times, in turn with one by hand`);
  row("in all", ours, ({ total }) => total);
  for (const name of names) row(`  ${name}`, ours, ({ steps }) => steps.get(name) ?? 0);
  row("by hand, in all", raw, ({ total }) => total);
  row("  qemu-img create", raw, ({ qemu_img }) => qemu_img);
  row("  genisoimage", raw, ({ iso }) => iso);
  row("  virsh define, virsh start", raw, ({ libvirt }) => libvirt);
  const [here, there] = [median(ours.map(outside)), median(raw.map(outsideByHand))];
  row("outside libvirt and qemu-img", ours, outside);
  row("  by hand", raw, outsideByHand);
  console.log(`    added by us: ${(here - there).toFixed(0)} ms`);
}

function row<T>(name: string, values: readonly T[], of: (value: T) => number): void {
  console.log(`    ${name.padEnd(34)} ${figure(values.map(of))}`);
}

async function benchAtOnce(cloud: TestCloud, network: string, bridge: string): Promise<void> {
  const numbers = Array.from({ length: AT_ONCE }, (_, number) => number);
  const ours: number[] = [];
  const raw: number[] = [];
  for (let round = 0; round < ROUNDS_AT_ONCE; round++) {
    const guests = numbers.map((number) => prepareByHand(bridge, number));
    const each = (work: (guest: HandMade) => Promise<unknown>) => Promise.all(guests.map(work));
    const [raw_ms] = await timed(() => each((guest) => guest.start()));
    raw.push(raw_ms);
    await each((guest) => guest.stop());
    const [ms, uuids] = await timed(() =>
      Promise.all(numbers.map((number) => create(cloud, network, `bench-${number}`))),
    );
    ours.push(ms);
    await Promise.all(uuids.map((uuid) => cloud.api.deleteInstance(uuid)));
  }
  report(`${AT_ONCE} creates at once until the last runs`, ours, raw, `${AT_ONCE} by hand at once`);
}

const cloud = await startCloud();
try {
  const network = await cloud.api.createNetwork({ netblock: "10.0.0.0/24", name: "bench" });
  const bridge = `br-vxlan-${network.vxid}`;
  // Brings the image and the network.
  await cloud.api.deleteInstance(await create(cloud, network.uuid, "warm"));
  // With no guest the bridge would go: one stays.
  await create(cloud, network.uuid, "stays");
  await benchPhases(cloud, network.uuid, bridge);
  await benchAtOnce(cloud, network.uuid, bridge);
} finally {
  await cloud.stop();
}
