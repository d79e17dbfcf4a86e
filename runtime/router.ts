// From method and path to the function's route. Sole importer of itty-router.
import { IttyRouter } from "itty-router";
import { CloudError } from "#shared/errors.ts";

export interface Match<T> {
  target: T;
  params: Readonly<Record<string, string>>;
}

type Found<T> = Match<T> | "wrong method" | undefined;

export type Router<T> = (method: string, path: string) => Found<T> | Promise<Found<T>>;

const REMEMBERED = 1000;
const UUID_SEGMENTS = /(?<=\/)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=\/|$)/g;
/** What no URL is read as anything else. */
const PLAIN = /^[\w/-]*$/;
/** Stands for any of them. */
const PLACEHOLDER = "00000000-0000-0000-0000-000000000000";

interface Asked {
  method: string;
  url: string;
  params?: Record<string, string>;
}

/**
 * A router for paths with `[variable]` segments; where several fit, the one with the earlier literal wins.
 * Doubled slashes count as one, a trailing slash is no part of any path. Rejects a badly encoded variable with "malformed".
 */
export function openRouter<T>(routes: readonly { method: string; path: string; target: T }[]): Router<T> {
  const byMethod = IttyRouter();
  const byPath = IttyRouter();
  for (const { method, path, target } of [...routes].sort(literalsFirst)) {
    const pattern = path.replace(/\[(\w+)\]/g, ":$1");
    byPath.all(pattern, () => true);
    (byMethod as unknown as Record<string, (pattern: string, handler: (asked: Asked) => Match<T>) => void>)[
      method.toLowerCase()
    ]?.(pattern, (asked) => ({ target, params: decode(asked.params ?? {}) }));
  }
  async function find(method: string, path: string): Promise<Found<T>> {
    const folded = path.replace(/\/{2,}/g, "/");
    if (folded.length > 1 && folded.endsWith("/")) return undefined;
    const asked: Asked = { method, url: `http://node${folded}` };
    const match: Match<T> | undefined = await byMethod.fetch(asked);
    if (match !== undefined) return match;
    return (await byPath.fetch({ ...asked })) === true ? "wrong method" : undefined;
  }
  return byShape(find);
}

/** Remembers what paths lead to that differ in nothing but their UUIDs: no literal segment is one. */
function byShape<T>(find: (method: string, path: string) => Promise<Found<T>>): Router<T> {
  const known = new Map<string, Match<T>>();

  async function findShape(shape: string, method: string, path: string): Promise<Found<T>> {
    const found = await find(method, path);
    if (typeof found !== "object") return found;
    if (known.size >= REMEMBERED) known.clear();
    known.set(shape, found);
    return found;
  }

  return function route(method, path) {
    if (!PLAIN.test(path)) return find(method, path);
    const uuids = path.match(UUID_SEGMENTS);
    const like = uuids === null ? path : path.replace(UUID_SEGMENTS, PLACEHOLDER);
    const shape = `${method} ${like}`;
    const found = known.get(shape);
    if (found !== undefined) return fill(found, uuids);
    return findShape(shape, method, like).then((match) => fill(match, uuids));
  };
}

function fill<T>(found: Found<T>, uuids: readonly string[] | null): Found<T> {
  if (uuids === null || typeof found !== "object") return found;
  const { target, params } = found;
  const filled: Record<string, string> = {};
  let next = 0;
  for (const name in params) {
    const value = params[name] ?? "";
    filled[name] = value === PLACEHOLDER ? (uuids[next++] ?? "") : value;
  }
  return { target, params: filled };
}

/** By the first segment that tells them apart: "~" sorts behind every letter. */
function literalsFirst(one: { path: string }, other: { path: string }): number {
  return one.path.replaceAll("[", "~") < other.path.replaceAll("[", "~") ? -1 : 1;
}

function decode(params: Record<string, string>): Record<string, string> {
  try {
    return Object.fromEntries(
      Object.entries(params).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
  } catch (error) {
    throw new CloudError("malformed", "path: not valid percent-encoding", { cause: error });
  }
}
