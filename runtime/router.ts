// From method and path to the function's route. Sole importer of itty-router.
import { IttyRouter } from "itty-router";
import { CloudError } from "../shared/errors.ts";

export interface Match<T> {
  target: T;
  params: Readonly<Record<string, string>>;
}

export type Router<T> = (method: string, path: string) => Promise<Match<T> | "wrong method" | undefined>;

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
  return async function route(method, path) {
    const folded = path.replace(/\/{2,}/g, "/");
    if (folded.length > 1 && folded.endsWith("/")) return undefined;
    const asked: Asked = { method, url: `http://node${folded}` };
    const match: Match<T> | undefined = await byMethod.fetch(asked);
    if (match !== undefined) return match;
    return (await byPath.fetch({ ...asked })) === true ? "wrong method" : undefined;
  };
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
