// From a request's body to a function's input. Bodies count on every method and under every content type.
import type { ZodType } from "zod";
import { CloudError } from "#shared/errors.ts";

/**
 * The body's keys as the schema reads them. Text that is not JSON, and every empty value, is no arguments.
 * Rejects with "malformed" and the first issue's words; for a key that is not known, with the nearest one that is.
 */
export function readInput(schema: ZodType | undefined, body: string): unknown {
  const given = parseBody(body);
  if (schema === undefined) {
    const [unknown] = Object.keys(given);
    if (unknown !== undefined)
      throw new CloudError("malformed", `unknown argument '${unknown}': this call takes none`);
    return {};
  }
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue?.code === "unrecognized_keys")
    throw new CloudError("malformed", unknownKey(schema, issue.keys[0] ?? "", issue.path));
  const where = issue?.path.map(String).join(".");
  throw new CloudError(
    "malformed",
    speaksForItself(issue?.message) ? `${issue?.message}` : `${where}: ${issue?.message}`,
  );
}

function parseBody(body: string): Record<string, unknown> {
  if (body === "") return {};
  let given: unknown;
  try {
    given = JSON.parse(body);
  } catch {
    return {};
  }
  if (!given || (Array.isArray(given) && given.length === 0)) return {};
  if (typeof given !== "object" || Array.isArray(given)) {
    throw new CloudError("malformed", "the body must be a JSON object of arguments");
  }
  return given as Record<string, unknown>;
}

/** The schema library's own messages need the key before them; ours name it themselves. */
function speaksForItself(message: string | undefined): boolean {
  return message !== undefined && !/^(Invalid|Too|Unrecognized)/.test(message);
}

function unknownKey(schema: ZodType, key: string, path: readonly PropertyKey[]): string {
  const known = path.length === 0 ? keysOf(schema) : [];
  const nearest = known.map((name) => ({ name, far: distance(name, key) })).sort((a, b) => a.far - b.far)[0];
  const hint = nearest === undefined || nearest.far > 3 ? "" : `; did you mean '${nearest.name}'?`;
  const place = path.length === 0 ? "" : ` in ${path.map(String).join(".")}`;
  return `unknown argument '${key}'${place}${hint}`;
}

function keysOf(schema: ZodType): string[] {
  const shape = (schema as { shape?: Record<string, unknown> }).shape;
  return shape === undefined ? [] : Object.keys(shape);
}

/** Levenshtein's edit distance, of words of bounded length. */
function distance(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > 3) return 4;
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const swap = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, swap));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
