// The files of the package, for the rules of the house.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TOP = ["functions", "runtime", "shared", "cli", "deploy", "tests", "bench"];

export interface Source {
  /** From the package's root. */
  path: string;
  text: string;
}

export const sources: readonly Source[] = TOP.flatMap(filesBelow).map((path) => ({
  path,
  text: readFileSync(join(ROOT, path), "utf8"),
}));

function filesBelow(top: string): string[] {
  try {
    return readdirSync(join(ROOT, top), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.m?ts$|\.mjs$/.test(entry.name))
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
      .sort();
  } catch {
    return [];
  }
}

export interface Import {
  from: string;
  /** A file of ours from the package's root, or the name of a package. */
  what: string;
  ours: boolean;
  typeOnly: boolean;
}

const STATIC = /^(import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm;
const DYNAMIC = /\b(?:import|require)\(\s*"([^"]+)"\s*\)/g;

export function importsOf({ path, text }: Source): Import[] {
  const found = [
    ...[...text.matchAll(STATIC)].map(([, , type, what = ""]) => ({ what, typeOnly: type !== undefined })),
    ...[...text.matchAll(DYNAMIC)].map(([, what = ""]) => ({ what, typeOnly: false })),
  ];
  return found.map(({ what, typeOnly }) => ({ from: path, typeOnly, ...resolve(path, what) }));
}

function resolve(from: string, what: string): { what: string; ours: boolean } {
  if (what.startsWith("#")) return { what: what.slice(1), ours: true };
  if (what.startsWith(".")) return { what: normalize(join(dirname(from), what)), ours: true };
  return { what: what.startsWith("node:") ? what : packageName(what), ours: false };
}

const packageName = (specifier: string): string =>
  specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
