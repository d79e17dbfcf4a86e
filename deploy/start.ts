// `npm start`: a one-node cloud on this machine, in the background, with an instance that shows its login prompt.
// Each step leaves alone what is already as it should be, so a second start mends what has died; one that fails takes
// down again whatever it started.
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { ApiClient } from "#shared/api/client.ts";
import type { Instance } from "#shared/api/types.ts";
import { messageOf } from "#shared/errors.ts";
import { probeKvm, type VirtType } from "./kvm-probe.ts";
import {
  awaitPrompt,
  ensureCredentials,
  ensureInstance,
  ensureNetwork,
  INSTANCE,
  NETWORK,
} from "./lib/guest.ts";
import { ensureEtcd, ensureImageServer, ensureLibvirt, ensureNode, nodeAnswers } from "./lib/parts.ts";
import { openProgress, type Progress } from "./lib/progress.ts";
import { QuickStart } from "./lib/quick-start.ts";
import { chooseSettings, givenSettings } from "./lib/settings.ts";
import { LOCK, PLACES, withLock } from "./lib/state.ts";
import { summarize } from "./lib/summary.ts";
import { type TinyGuest, tinyGuest } from "./tiny-guest/build.ts";

const NEEDED_MIB = 500;
const TINY = { memory_mib: 256, prompt_ms: 120_000 };
const FOREIGN = { memory_mib: 1024, prompt_ms: 900_000 };
const VIRT_TYPE_FACTS: Record<VirtType, string> = {
  kvm: "runs guests",
  qemu: "runs no guests here: they are emulated, and slower",
};

async function main(): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new Error("needs root, to make networks and run guests: sudo npm start");
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => interruption.abort(new Error(`interrupted by ${signal}`)));
  }
  const quick = await QuickStart.open(PLACES, interruption.signal);
  const progress = openProgress(process.stdout);
  const ranAlready = quick.state.up && quick.isRunning("node") && (await nodeAnswers(quick));
  try {
    const { client, instance } = await bringUp(quick, progress);
    progress.say(`\n${ranAlready ? "Shaken Fist runs already" : "Shaken Fist runs"} on this machine.\n`);
    progress.say(await summarize(quick, client, instance));
  } catch (error) {
    await takeDown(quick, progress);
    throw interruption.signal.aborted ? interruption.signal.reason : error;
  }
}

async function bringUp(
  quick: QuickStart,
  progress: Progress,
): Promise<{ client: ApiClient; instance: Instance }> {
  const wanted = process.env.IMAGE ?? "";
  await progress.step("room on the disk", () => requireRoom(quick));
  const guest = await findGuest(quick, progress, wanted);
  const virtType = await progress.step(
    "KVM",
    () => findVirtType(quick, guest),
    (type) => VIRT_TYPE_FACTS[type],
  );
  const given = givenSettings(process.env);
  quick.state.settings = chooseSettings(given, quick.state.settings, virtType);
  quick.state.ownEtcd = given.SHAKENFIST_ETCD_HOSTS === undefined;
  quick.state.up = true;
  await quick.save();

  await progress.step("etcd", () => ensureEtcd(quick));
  await progress.step("libvirt", () => ensureLibvirt(quick));
  await progress.step("node", () => ensureNode(quick));
  if (guest === undefined || wanted !== "") return runGuest(quick, progress, { url: wanted, ...FOREIGN });
  const url = await progress.step("image server", () => ensureImageServer(quick, guest.image));
  return runGuest(quick, progress, { url, ...TINY });
}

async function runGuest(
  quick: QuickStart,
  progress: Progress,
  image: { url: string; memory_mib: number; prompt_ms: number },
): Promise<{ client: ApiClient; instance: Instance }> {
  const path = () => quick.state.credentials?.path ?? "";
  const client = await progress.step("credentials", () => ensureCredentials(quick), path);
  const network = await progress.step(`network ${NETWORK}`, () => ensureNetwork(client));
  const made = await progress.step(
    `instance ${INSTANCE}`,
    (note) => {
      note(`from ${image.url}`);
      return quick.orInterrupted(ensureInstance(client, network, image));
    },
    ({ instance }) => instance.uuid,
  );
  await progress.step(
    "login prompt",
    () => awaitPrompt(quick, client, made.instance, made.since, image.prompt_ms),
    () => "seen",
  );
  return { client, instance: made.instance };
}

/** The tiny guest: to run, or at least to try KVM with. */
async function findGuest(
  quick: QuickStart,
  progress: Progress,
  wanted: string,
): Promise<TinyGuest | undefined> {
  const isDecided = process.env.SHAKENFIST_VIRT_TYPE !== undefined || !existsSync("/dev/kvm");
  if (wanted !== "" && isDecided) return undefined;
  const build = (note: (fact: string) => void) =>
    tinyGuest({ cacheDir: quick.places.cache, say: note, signal: quick.signal });
  return progress.step("tiny guest image", build, ({ image }) => image);
}

async function findVirtType(quick: QuickStart, guest: TinyGuest | undefined): Promise<VirtType> {
  return guest === undefined ? "qemu" : probeKvm(guest, quick.places.cache);
}

async function requireRoom(quick: QuickStart): Promise<string> {
  const free: string[] = [];
  for (const path of [quick.places.state, quick.places.cache, quick.config.STORAGE_PATH]) {
    const existing = firstExisting(path);
    const { bavail, bsize } = await statfs(existing);
    const mib = Math.floor((bavail * bsize) / 2 ** 20);
    if (mib < NEEDED_MIB)
      throw new Error(`${path}: ${mib} MiB free, ${NEEDED_MIB} MiB are needed; make room there`);
    free.push(`${Math.floor(mib / 1024)} GiB`);
  }
  return `${free[0]} free`;
}

function firstExisting(path: string): string {
  return existsSync(path) ? path : firstExisting(dirname(path));
}

async function takeDown(quick: QuickStart, progress: Progress): Promise<void> {
  const failures = await quick.undo();
  if (!quick.existed && failures.length === 0) {
    await quick.forget().catch((error) => failures.push(messageOf(error)));
  }
  for (const failure of failures) progress.say(`not taken down: ${failure}`);
  progress.say(
    failures.length === 0 ? "what was started is taken down again" : "run npm stop to try that again",
  );
}

function advise(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const text = messageOf(error);
  if (code === "ENOSPC" || text.includes("No space left on device"))
    return `the disk is full: make room (${text})`;
  return text;
}

// A reader that went away must not keep this from taking down what it started.
process.stdout.on("error", () => {});

await withLock(LOCK, main).catch((error) => {
  console.error(`npm start: ${advise(error)}`);
  process.exitCode = 1;
});
