// `npm stop`: takes the cloud of this machine down. `npm stop -- --purge` also removes everything that it made.
// Safe to repeat; after a failure a second run goes on where the first one ended.
import { messageOf } from "#shared/errors.ts";
import { readCredentials } from "./lib/credentials.ts";
import { ensureEtcd, ensureLibvirt } from "./lib/parts.ts";
import { openProgress, type Progress } from "./lib/progress.ts";
import { QuickStart, removeDirectory } from "./lib/quick-start.ts";
import { LOCK, type Part, PLACES, withLock } from "./lib/state.ts";

/** libvirt and etcd last: taking down the guests needs them. */
const HELPERS: readonly Part[] = ["images", "libvirtd", "virtlogd", "etcd"];

async function main(): Promise<void> {
  const flags = process.argv.slice(2);
  const purge = flags.includes("--purge");
  const unknown = flags.find((flag) => flag !== "--purge");
  if (unknown !== undefined) throw new Error(`${unknown}: unknown; the only option is --purge`);
  if (process.getuid?.() !== 0) throw new Error("needs root: sudo npm stop");

  const quick = await QuickStart.open(PLACES, AbortSignal.timeout(300_000));
  if (!quick.existed) console.log("there is no cloud of npm start on this machine");
  else if (!quick.state.up && !purge)
    console.log("the cloud is down already; npm stop -- --purge removes what it made");
  else await takeDown(quick, openProgress(process.stdout), purge);
  if (purge) await removeFiles(quick);
}

async function takeDown(quick: QuickStart, progress: Progress, purge: boolean): Promise<void> {
  await progress.step("node", () => quick.stopPart("node"), describe);
  await progress.step(
    "guests and networks",
    async (note) => {
      note("starting what is needed for it");
      await ensureEtcd(quick);
      await ensureLibvirt(quick);
      note("taking them down");
      await quick.runtime(purge ? ["teardown", "--purge"] : ["teardown"]);
    },
    () => (purge ? "removed" : "taken down"),
  );
  for (const part of HELPERS) {
    if (quick.state.processes[part] !== undefined)
      await progress.step(part, () => quick.stopPart(part), describe);
  }
  quick.state.up = false;
  await quick.save();
}

async function removeFiles(quick: QuickStart): Promise<void> {
  const { credentials } = quick.state;
  if (credentials !== undefined && (await readCredentials(credentials)) === undefined) {
    console.log(`${credentials.path} was changed since npm start wrote it, and stays`);
  }
  await quick.forget();
  for (const path of [quick.places.logs, quick.places.cache]) await removeDirectory(path);
  console.log("nothing of it is left");
}

function describe(stopped: boolean): string {
  return stopped ? "stopped" : "was not running";
}

// A reader that went away must not end this half way.
process.stdout.on("error", () => {});

await withLock(LOCK, main).catch((error) => {
  console.error(`npm stop: ${messageOf(error)}`);
  process.exitCode = 1;
});
