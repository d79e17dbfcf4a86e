// Stored text to entries and back: JSON, parsed once and frozen all the way down, so that it can be shared.
import { CloudError } from "../../errors.ts";
import type { Raw } from "./backend.ts";
import type { Entry } from "./store.ts";

export function entryOf<T>(raw: Raw): Entry<T> {
  return Object.freeze({ key: raw.key, value: parseFrozen(raw), revision: raw.revision }) as Entry<T>;
}

export function textOf(key: string, value: unknown): string {
  const text = JSON.stringify(value);
  if (text === undefined) throw new CloudError("internal", `${key}: the value cannot be written as JSON`);
  return text;
}

function parseFrozen(raw: Raw): unknown {
  try {
    return freeze(JSON.parse(raw.text));
  } catch (cause) {
    throw new CloudError("internal", `${raw.key}: the stored value is not JSON`, { cause });
  }
}

function freeze(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const part of Object.values(value)) freeze(part);
  return Object.freeze(value);
}
