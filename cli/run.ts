// Runs one command for the user that the options, the environment or a file name.
import { homedir } from "node:os";
import { ApiClient } from "#shared/api/client.ts";
import type { Command, GivenValues } from "./command.ts";
import { findCredentials, type Wanted } from "./credentials.ts";
import { type Format, Output, type Streams } from "./output.ts";
import { version } from "./version.ts";

export interface Globals extends Wanted {
  readonly verbose?: boolean;
}

export async function run(
  command: Command,
  given: GivenValues,
  format: Format,
  globals: Globals,
): Promise<void> {
  const progress = process.stderr.isTTY ? overwrite : undefined;
  const write: Streams["write"] = (data, written) => process.stdout.write(data, written);
  const out = new Output(format, { write, warn, progress, isTerminal: process.stdout.isTTY });
  const credentials = findCredentials(globals, {
    env: process.env,
    home: homedir(),
    systemFile: "/etc/sf/shakenfist.json",
    warn: (text) => out.warn(text),
  });
  const api = new ApiClient({
    ...credentials,
    user_agent: `sf-client/${version}`,
    ...(globals.verbose === true ? { trace: warn } : {}),
  });
  await command.run({ api, out }, given).finally(() => out.progress(""));
}

export function warn(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Carriage return, the text, and nothing of what stood there. */
function overwrite(text: string): void {
  process.stderr.write(`\r${text}\x1b[K`);
}
