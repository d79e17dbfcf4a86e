// `npm run cluster -- <command>`: a test cluster of up to five nodes on this machine, to try out what several nodes do:
// each host in namespaces of its own, with its own libvirtd, storage and address. One at a time.
import { messageOf } from "#shared/errors.ts";
import { type Command, commands } from "./cluster/commands.ts";
import { UsageError, usage } from "./cluster/usage.ts";
import { withLock } from "./lib/state.ts";

const DIRECTORY = "/var/lib/shakenfist/cluster";
/** In /run, so that a power loss unlocks it. */
const LOCK = "/run/lock/shakenfist-cluster.lock";

async function main([name = "", ...args]: readonly string[]): Promise<void> {
  if (["", "help", "--help", "-h"].includes(name)) return void process.stdout.write(usage);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw new UsageError(`${name}: no such command`);
  if (process.getuid?.() !== 0) throw new Error(`needs root: sudo npm run cluster -- ${name}`);
  await (command.changes
    ? withLock(LOCK, () => runCommand(command, args), "npm run cluster")
    : runCommand(command, args));
}

async function runCommand(command: Command, args: readonly string[]): Promise<void> {
  const interruption = new AbortController();
  const interrupt = (signal: string) => interruption.abort(new Error(`interrupted by ${signal}`));
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  try {
    await command.run({ directory: DIRECTORY, args, signal: interruption.signal });
  } catch (error) {
    throw interruption.signal.aborted ? interruption.signal.reason : error;
  }
}

// A reader that went away must not end this half way.
process.stdout.on("error", () => {});

await main(process.argv.slice(2)).catch((error) => {
  console.error(`npm run cluster: ${messageOf(error)}`);
  if (error instanceof UsageError) console.error(`\n${usage}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
