// sf-client: turns the command table into a command line. Sole importer of commander.
import { CommanderError, Option as Flag, Command as Program } from "commander";
import type { Command, GivenValues } from "./command.ts";
import { commands, groups } from "./commands.ts";
import { UsageError } from "./errors.ts";
import type { Format } from "./output.ts";
import { reportOf } from "./report.ts";
import { type Globals, run, warn } from "./run.ts";
import { version } from "./version.ts";

const EXAMPLES = `
Examples:
  sf-client network create mynet 10.0.0.0/24
  sf-client instance create web 1 1024 -d 8@ubuntu:20.04 -n mynet
  sf-client instance list
  sf-client --json instance show web
  sf-client instance create --help

Credentials: --namespace, --key and --apiurl; else SHAKENFIST_NAMESPACE, SHAKENFIST_KEY and SHAKENFIST_API_URL;
else the files ~/.shakenfist and /etc/sf/shakenfist.json. Options named here go before the group.`;

function buildProgram(argv: readonly string[]): Program {
  let format: Format = "pretty";
  const program = new Program("sf-client")
    .description("Virtual machines and networks on a small cloud.")
    .usage("[options] <group> <command> …")
    .enablePositionalOptions()
    .exitOverride()
    .version(version, "--version", "print the version")
    .option("--pretty", "tables and labels for people (default)")
    .option("--simple", "lines of comma separated values")
    .option("--json", "JSON")
    .option("--verbose", "log requests and answers to stderr")
    .addOption(new Flag("--no-verbose").hideHelp())
    .option("--namespace <namespace>", "who you are")
    .option("--key <key>", "your key")
    .option("--apiurl <url>", "where the API is")
    .addHelpText("after", EXAMPLES);
  // The last one given counts.
  for (const name of ["pretty", "simple", "json"] as const) {
    program.on(`option:${name}`, () => {
      format = name;
    });
  }
  for (const [name, command] of Object.entries(commands)) {
    const [group = ""] = name.split(" ");
    groupIn(program, [group]);
    // Start-up counts: only what is talked of gets its commands.
    if (!argv.includes(group)) continue;
    addCommand(program, name, command, (given) => run(command, given, format, program.opts<Globals>()));
  }
  return program;
}

function addCommand(program: Program, name: string, command: Command, act: Act): void {
  const words = name.split(" ");
  const last = words.pop() ?? name;
  const parent = words.reduce((at, _, depth) => groupIn(at, words.slice(0, depth + 1)), program);
  const added = parent.command(last).description(command.summary);
  const read = addParameters(added, command);
  if (command.examples.length > 0) {
    const examples = command.examples.map((line) => `  sf-client ${line}`);
    added.addHelpText("after", ["", "Examples:", ...examples].join("\n"));
  }
  const usage = added.createHelp().commandUsage(added);
  const advice = `Try "sf-client ${name} --help"; options for all commands, such as --json, go before "${words[0]}".`;
  added.showHelpAfterError(`Usage: ${usage}\n${advice}`);
  added.action(() =>
    act(read()).catch((error: unknown) => {
      if (error instanceof UsageError) added.error(`error: ${error.message}`);
      throw error;
    }),
  );
}

type Act = (given: GivenValues) => Promise<void>;

/** Gives a way to read the values once the line is parsed. */
function addParameters(program: Program, command: Command): () => GivenValues {
  const names = Object.keys(command.arguments);
  for (const [name, { help, optional }] of Object.entries(command.arguments)) {
    program.argument(optional ? `[${name}]` : `<${name}>`, help);
  }
  const options = Object.entries(command.options).map(([key, { flags, help, kind }]) => {
    const flag = new Flag(flags, help);
    if (kind === "list") flag.argParser((text, earlier: string[] = []) => [...earlier, text]);
    program.addOption(flag);
    if (kind === "toggle") program.addOption(new Flag(flags.replace("--", "--no-"), "switch that off"));
    return { key, name: flag.attributeName() };
  });
  return () => {
    const values = program.opts();
    return {
      args: Object.fromEntries(names.map((name, at) => [name, program.args[at]])),
      options: Object.fromEntries(options.map(({ key, name }) => [key, values[name]])),
    };
  };
}

function groupIn(parent: Program, path: readonly string[]): Program {
  const name = path.at(-1) ?? "";
  const existing = parent.commands.find((command) => command.name() === name);
  if (existing !== undefined) return existing;
  const about = groups[path.join(" ")] ?? "";
  return parent.command(name).description(about).usage("<command> …");
}

/** Usage is 2, whatever commander calls it; help that was asked for is 0. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const { stdout, stderr, exitCode } = reportOf(error, process.argv.includes("--verbose"));
  if (stdout !== undefined) process.stdout.write(`${stdout}\n`);
  if (stderr !== undefined) warn(stderr);
  return exitCode;
}

/** The reader may leave before the end, as `head` does; a full disk is worth a word. */
function endWithoutOutput(error: NodeJS.ErrnoException): never {
  if (error.code === "EPIPE") process.exit(0);
  warn(`cannot write the output: ${error.message}`);
  process.exit(1);
}

async function main(): Promise<void> {
  process.stdout.on("error", endWithoutOutput);
  // The old client's line in a shell's start-up file evaluates what is printed: no completion, so print nothing.
  if (process.env._SF_CLIENT_COMPLETE !== undefined) return;
  await buildProgram(process.argv)
    .parseAsync()
    .catch((error: unknown) => {
      process.exitCode = exitCodeOf(error);
    });
}

void main();
