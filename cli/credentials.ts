// Who the user is and where the API is: options, then the environment, then, only without a namespace, the two files.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Refusal } from "./errors.ts";

export interface Credentials {
  readonly namespace: string;
  readonly key: string;
  readonly url: string;
}

/** What was given as options. */
export interface Wanted {
  readonly namespace?: string | undefined;
  readonly key?: string | undefined;
  readonly apiurl?: string | undefined;
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly systemFile: string;
  warn(text: string): void;
}

const DEFAULT_URL = "http://localhost:13000";

/** Empty strings where nothing was found: the API then refuses the login. */
export function findCredentials(wanted: Wanted, around: Surroundings): Credentials {
  const { env } = around;
  const namespace = wanted.namespace || env.SHAKENFIST_NAMESPACE || "";
  const key = wanted.key || env.SHAKENFIST_KEY || "";
  const url = wanted.apiurl || env.SHAKENFIST_API_URL || DEFAULT_URL;
  if (namespace !== "") return { namespace, key, url };

  for (const file of [join(around.home, ".shakenfist"), around.systemFile]) {
    const found = readCredentials(file);
    if (found === undefined) continue;
    warnOfIgnored(wanted, file, around);
    return found;
  }
  return { namespace, key, url };
}

/** A file stands for all three: its key is for no other API. */
function warnOfIgnored(wanted: Wanted, file: string, around: Surroundings): void {
  const ignored = (["key", "apiurl"] as const).filter((name) => wanted[name]);
  for (const name of ignored) {
    around.warn(`--${name} is ignored, because ${file} is used; give --namespace as well`);
  }
}

function readCredentials(file: string): Credentials | undefined {
  const text = readIfAllowed(file);
  if (text === undefined) return undefined;
  const { namespace, key, apiurl } = parseObject(text);
  if (typeof namespace === "string" && typeof key === "string" && typeof apiurl === "string") {
    return { namespace, key, url: apiurl };
  }
  throw new Refusal(`ERROR: ${file} must be JSON with the texts "namespace", "key" and "apiurl"`);
}

function readIfAllowed(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Absent, or not for this user: the next source may do.
    return undefined;
  }
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}
