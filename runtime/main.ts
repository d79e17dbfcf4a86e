#!/usr/bin/env node
// sf-node: runs a node, and the few things that are done beside one.
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { type Config, describeConfig, readConfig } from "#shared/config.ts";
import { CloudError, messageOf } from "#shared/errors.ts";
import { type Log, openLog, silentLog } from "#shared/log.ts";
import { setKey } from "#shared/namespaces/set-key.ts";
import { openNodeStore, startNode } from "./node.ts";
import { tearDown } from "./teardown.ts";

const CONFIG_FILE = process.env.SHAKENFIST_CONFIG ?? "/etc/sf/sf-node.conf";

const USAGE = `sf-node: a node of the cloud

  sf-node [run]                        run the node until SIGTERM
  sf-node config                       print the settings in force
  sf-node set-key <namespace> <name>   give a namespace a key, read from standard input
  sf-node teardown [--purge]           take down what a stopped node left; --purge: its files and records too

Settings are SHAKENFIST_* variables, or NAME=value lines in ${CONFIG_FILE} (SHAKENFIST_CONFIG names another file).
`;

async function main(args: readonly string[]): Promise<void> {
  const [command = "run", ...rest] = args;
  if (command === "--help" || command === "help") return print(USAGE);
  const { config, warnings } = readConfig(process.env, readFileIfThere(CONFIG_FILE));
  if (command === "run" && rest.length === 0) return run(config, warnings);
  if (command === "config" && rest.length === 0) return print(configTable(config, warnings));
  if (command === "set-key" && rest.length === 2) return giveKey(config, rest[0] ?? "", rest[1] ?? "");
  if (command === "teardown" && rest.every((it) => it === "--purge"))
    return tearDown(config, silentLog, rest.length > 0);
  process.stderr.write(USAGE);
  process.exitCode = 2;
}

async function run(config: Config, warnings: readonly string[]): Promise<void> {
  const log: Log = openLog(config.LOGLEVEL, { pid: process.pid });
  for (const warning of warnings) log.warn({}, warning);
  const node = await startNode(config, log);
  log.info({ node: node.name, port: config.API_PORT }, "ready");
  const stop = (signal: string) => {
    log.info({ signal }, "stopping");
    // Guests, their networks and their DHCP go on without this process.
    setTimeout(() => process.exit(1), 10_000).unref();
    void node.close().then(() => process.exit(0));
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

async function giveKey(config: Config, namespace: string, name: string): Promise<void> {
  const key = (await text(process.stdin)).replace(/\r?\n$/, "");
  if (key === "") throw new CloudError("malformed", "the key is empty: pass it on standard input");
  const store = await openNodeStore(config, "set-key", silentLog);
  try {
    await setKey(store, namespace, name, key);
  } finally {
    await store.close();
  }
}

function configTable(config: Config, warnings: readonly string[]): string {
  const rows = describeConfig(config);
  const width = Math.max(...rows.map(({ name, value }) => name.length + value.length + 1));
  const lines = rows.map(
    ({ name, value, changed, about }) =>
      `${`${name}=${value}`.padEnd(width)}  ${changed ? "*" : " "} ${about}`,
  );
  return [...lines, ...warnings.map((it) => `warning: ${it}`), "(* set, the others are defaults)", ""].join(
    "\n",
  );
}

function readFileIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

function print(words: string): void {
  process.stdout.write(words);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`sf-node: ${messageOf(error)}\n`);
  if (!(error instanceof CloudError) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
