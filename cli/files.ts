// Files named by options; null stays null.
import { readFileSync } from "node:fs";
import { UsageError } from "./errors.ts";

export function textOfFile(file: string | null): string | null {
  return file === null ? null : read(file).toString("utf8");
}

export function base64OfFile(file: string | null): string | null {
  return file === null ? null : read(file).toString("base64");
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${error instanceof Error ? error.message : error}`);
  }
}
