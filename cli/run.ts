// Runs one command for the user that the options, the environment or a file name.
import { homedir } from "node:os";
import { ApiClient } from "#shared/api/client.ts";
import type { Command, GivenValues } from "./command.ts";
import { findCredentials, type Wanted } from "./credentials.ts";
import { type Format, Output } from "./output.ts";
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
  const out = new Output(format, { write: (data) => process.stdout.write(data), warn });
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
  await command.run({ api, out }, given);
}

export function warn(text: string): void {
  process.stderr.write(`${text}\n`);
}
