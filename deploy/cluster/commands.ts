// The commands of `npm run cluster`, each over the one cluster of its directory.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { messageOf } from "#shared/errors.ts";
import { openProgress } from "../lib/progress.ts";
import { commandInside, heal, killHost, partition, startHost, stopHost, takeDown } from "./cluster.ts";
import { childOf } from "./host.ts";
import { type ClusterOptions, planCluster } from "./plan.ts";
import { describeCluster } from "./report.ts";
import { type Cluster, readCluster } from "./state.ts";
import { bringUp } from "./up.ts";
import { readArguments, readExecArguments, readUpOptions, UsageError } from "./usage.ts";

export interface Invocation {
  readonly directory: string;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
}

export interface Command {
  /** Commands that change the cluster are not run beside each other. */
  readonly changes: boolean;
  run(invocation: Invocation): Promise<void>;
}

/** Stops short when there is no cluster, saying how to get one. */
async function openCluster({ directory, signal }: Invocation): Promise<Cluster> {
  const state = await readCluster(directory);
  if (state === undefined)
    throw new Error("there is no cluster on this machine; npm run cluster -- up --nodes 2 makes one");
  return { directory, state, signal };
}

async function up(invocation: Invocation): Promise<void> {
  const options = readUpOptions(invocation.args);
  requirePlan(options);
  const state = await readCluster(invocation.directory);
  if (state?.isUp === false)
    throw new Error("a cluster is here that did not come up; npm run cluster -- down removes it");
  if (state !== undefined) {
    console.log("a cluster runs already; npm run cluster -- down ends it\n");
    return status({ ...invocation, args: [] });
  }
  const progress = openProgress(process.stdout);
  const cluster = await bringUp(invocation.directory, options, progress, invocation.signal);
  console.log(`\n${await describeCluster(cluster)}`);
}

function requirePlan(options: ClusterOptions): void {
  try {
    planCluster(options);
  } catch (error) {
    throw new UsageError(`up: ${messageOf(error)}`);
  }
}

async function status(invocation: Invocation): Promise<void> {
  readArguments("status", [], invocation.args);
  console.log(await describeCluster(await openCluster(invocation)));
}

async function down(invocation: Invocation): Promise<void> {
  readArguments("down", [], invocation.args);
  if ((await readCluster(invocation.directory)) === undefined)
    return console.log("there is no cluster on this machine");
  await takeDown(await openCluster(invocation));
  console.log("nothing of it is left");
}

async function exec(invocation: Invocation): Promise<void> {
  const { host, argv } = readExecArguments(invocation.args);
  const [program, args] = commandInside(await openCluster(invocation), host, argv);
  // The terminal interrupts the program inside by itself, as often as somebody likes: this one lives as long as that does.
  process.on("SIGINT", () => {});
  const child = spawn(program, args, { stdio: "inherit" });
  // An end that is asked of this one alone is handed on.
  process.once("SIGTERM", () => {
    const inside = childOf(child.pid ?? 0);
    if (inside !== undefined) process.kill(inside, "SIGTERM");
  });
  const [code, signal] = await once(child, "exit");
  process.exitCode = code ?? (signal === null ? 1 : 128);
}

/** A command on one host, which answers with what to say. */
function onHost(name: string, act: (cluster: Cluster, host: string) => Promise<string>): Command {
  return {
    changes: true,
    async run(invocation) {
      const [host = ""] = readArguments(name, ["<host>"], invocation.args);
      console.log(await act(await openCluster(invocation), host));
    },
  };
}

const kill = onHost("kill", async (cluster, host) =>
  (await killHost(cluster, host)) ? `${host} has lost its power` : `${host} is off already`,
);
const stop = onHost("stop", async (cluster, host) =>
  (await stopHost(cluster, host)) ? `${host} is shut down` : `${host} is off already`,
);
const start = onHost("start", async (cluster, host) => {
  await startHost(cluster, host);
  return `${host} answers`;
});

async function cut(invocation: Invocation): Promise<void> {
  const [one = "", other = ""] = readArguments("partition", ["<a>", "<b>"], invocation.args);
  await partition(await openCluster(invocation), one, other);
  console.log(`nothing passes between ${one} and ${other}; npm run cluster -- heal ends that`);
}

async function mend(invocation: Invocation): Promise<void> {
  readArguments("heal", [], invocation.args);
  await heal(await openCluster(invocation));
  console.log("all hosts reach each other");
}

export const commands: Readonly<Record<string, Command>> = {
  up: { changes: true, run: up },
  status: { changes: false, run: status },
  exec: { changes: false, run: exec },
  kill,
  stop,
  start,
  partition: { changes: true, run: cut },
  heal: { changes: true, run: mend },
  down: { changes: true, run: down },
};
