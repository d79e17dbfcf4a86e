// What a user needs to know when the quick start is done: what runs, where, and what to try next.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ApiClient } from "#shared/api/client.ts";
import type { Instance } from "#shared/api/types.ts";
import { INSTANCE, NETWORK } from "./guest.ts";
import { apiUrl } from "./parts.ts";
import { CHECKOUT, type QuickStart } from "./quick-start.ts";

export async function summarize(quick: QuickStart, client: ApiClient, instance: Instance): Promise<string> {
  const interfaces = await client.listInterfaces("instances", instance.uuid);
  const addresses = interfaces.map(({ ipv4 }) => ipv4).join(", ");
  const sfCommand = sfProgram(quick);
  return [
    row("API", apiUrl(quick)),
    row("credentials", quick.state.credentials?.path ?? ""),
    row("logs", quick.places.logs),
    row("network", NETWORK),
    row("instance", `${INSTANCE} at ${addresses}, console on port ${instance.console_port}`),
    "",
    "Try next:",
    `  ${sfCommand} instance list`,
    `  ${sfCommand} instance show ${INSTANCE}`,
    `  busybox telnet ${quick.config.CONSOLE_ADDRESS} ${instance.console_port}    (its console; end with Ctrl-] and e)`,
    "",
    "npm stop takes it down again; npm stop -- --purge also removes all that it made.",
  ].join("\n");
}

function row(name: string, value: string): string {
  return `  ${name.padEnd(12)} ${value}`;
}

/** The command line of the client; it looks for its credentials at home. */
function sfProgram(quick: QuickStart): string {
  const built = existsSync(join(CHECKOUT, "dist/sf-client.js"));
  const program = built ? "./dist/sf-client.js" : "npx tsx cli/main.ts";
  const isAtHome = quick.state.credentials?.path === join(quick.places.home, ".shakenfist");
  return isAtHome ? program : `HOME=${quick.places.state} ${program}`;
}
