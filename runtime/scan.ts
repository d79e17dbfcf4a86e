// Finds the functions of a tree. The path says where, the suffix says what wakes it:
// `instances/[instance_ref]/poweron.post.ts` is POST /instances/{instance_ref}/poweron.
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { CloudError, messageOf } from "#shared/errors.ts";
import type { HttpFunction, JobFunction, Reaction, ScheduleFunction } from "./define.ts";

export interface Route {
  method: string;
  /** With its variables in brackets: `/instances/[instance_ref]`. */
  path: string;
  file: string;
  definition: HttpFunction;
}

export interface Named<Definition> {
  /** `instances/start`. */
  name: string;
  file: string;
  definition: Definition;
}

export interface Table {
  routes: Route[];
  jobs: Named<JobFunction>[];
  schedules: Named<ScheduleFunction>[];
  reactions: Named<Reaction>[];
}

const METHODS = new Set(["get", "post", "put", "delete", "patch"]);
const SUFFIXES = new Set([...METHODS, "job", "schedule", "on"]);
const MARKS: Readonly<Record<string, string>> = { job: "steps", schedule: "every_s", on: "event" };
const SEGMENT = /^(?:[a-z][a-z0-9_-]*|\[[a-z][a-z0-9_]+\])$/;

/** Loads every function below the directories. Rejects with "malformed", naming the file, or both files of a clash. */
export async function scan(directories: readonly string[]): Promise<Table> {
  const table: Table = { routes: [], jobs: [], schedules: [], reactions: [] };
  const claims = new Map<string, string>();
  for (const directory of directories) {
    for (const file of filesBelow(directory)) {
      const place = placeOf(file);
      const claimed = claims.get(place.claim);
      const full = join(directory, file);
      if (claimed !== undefined)
        throw new CloudError("malformed", `${place.what}: claimed by both ${claimed} and ${full}`);
      claims.set(place.claim, full);
      add(table, place, full, await load(full));
    }
  }
  return table;
}

interface Place {
  what: string;
  /** Two files with the same claim clash; the names of variables do not tell routes apart. */
  claim: string;
  suffix: string;
  name: string;
}

function placeOf(file: string): Place {
  const match = /^(.+)\.([a-z]+)\.[tj]s$/.exec(file);
  const [, name = "", suffix = ""] = match ?? [];
  if (!SUFFIXES.has(suffix)) {
    throw new CloudError(
      "malformed",
      `${file}: must end in one of ${[...SUFFIXES].map((it) => `.${it}.ts`).join(", ")}`,
    );
  }
  const bad = name.split("/").find((segment) => !SEGMENT.test(segment));
  if (bad !== undefined)
    throw new CloudError("malformed", `${file}: '${bad}' is neither a lower-case word nor a [variable]`);
  if (!METHODS.has(suffix)) return { what: `${suffix} ${name}`, claim: `${suffix} ${name}`, suffix, name };
  const path = `/${name.replace(/(^|\/)index$/, "")}`.replace(/(.)\/$/, "$1");
  const what = `${suffix.toUpperCase()} ${path}`;
  return { what, claim: what.replace(/\[[^\]]+\]/g, "[]"), suffix, name: path };
}

function* filesBelow(directory: string): Generator<string> {
  let entries: string[];
  try {
    entries = readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(directory, join(entry.parentPath, entry.name)));
  } catch (error) {
    throw new CloudError(
      "malformed",
      `${directory}: cannot be read as a tree of functions: ${messageOf(error)}`,
      { cause: error },
    );
  }
  yield* entries.sort();
}

async function load(file: string): Promise<unknown> {
  try {
    const module = (await import(pathToFileURL(file).href)) as { default?: unknown };
    return module.default;
  } catch (error) {
    throw new CloudError("malformed", `${file}: cannot be loaded: ${messageOf(error)}`, { cause: error });
  }
}

function add(table: Table, place: Place, file: string, exported: unknown): void {
  if (!isDefinition(exported, MARKS[place.suffix] ?? "access")) {
    throw new CloudError(
      "malformed",
      `${file}: must export default what http, job, schedule or on returns, with a summary`,
    );
  }
  const named = { name: place.name, file, definition: exported };
  if (place.suffix === "job") table.jobs.push(named as unknown as Named<JobFunction>);
  else if (place.suffix === "schedule") table.schedules.push(named as unknown as Named<ScheduleFunction>);
  else if (place.suffix === "on") table.reactions.push(named as unknown as Named<Reaction>);
  else {
    const definition = exported as unknown as HttpFunction;
    table.routes.push({ method: place.suffix.toUpperCase(), path: place.name, file, definition });
  }
}

/** `mark` is what only a definition of the right kind has. */
function isDefinition(exported: unknown, mark: string): exported is { summary: string } {
  return (
    typeof exported === "object" &&
    exported !== null &&
    mark in exported &&
    typeof (exported as { summary?: unknown }).summary === "string"
  );
}
