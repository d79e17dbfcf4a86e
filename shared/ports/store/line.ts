// Who contends for the same keys in this process goes one at a time: against each other most would lose again and again.
import { isKind } from "../../errors.ts";
import type { Store } from "./store.ts";

interface Line {
  readonly waiting: (() => void)[];
}

const lines = new WeakMap<Store, Map<string, Line>>();

/** In the order of asking. When the store does not answer, nobody waits for his turn to learn the same. */
export async function inLine<T>(store: Store, name: string, work: () => Promise<T>): Promise<T> {
  const named = lines.get(store) ?? new Map<string, Line>();
  lines.set(store, named);
  let line = named.get(name);
  if (line === undefined) {
    line = { waiting: [] };
    named.set(name, line);
  } else {
    const { waiting } = line;
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
  try {
    return await work();
  } catch (error) {
    if (isKind(error, "unavailable")) dissolve(named, name, line);
    throw error;
  } finally {
    if (named.get(name) === line) moveOn(named, name, line);
  }
}

function moveOn(named: Map<string, Line>, name: string, { waiting }: Line): void {
  const next = waiting.shift();
  if (next === undefined) named.delete(name);
  else next();
}

function dissolve(named: Map<string, Line>, name: string, line: Line): void {
  if (named.get(name) === line) named.delete(name);
  for (const next of line.waiting.splice(0)) next();
}
