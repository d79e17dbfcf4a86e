// Logs of consoles for tests: written as virtlogd does, and read as clients do.
import { closeSync, openSync, renameSync, writeSync } from "node:fs";
import type { TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Cloud } from "#shared/cloud.ts";
import { followConsole, readConsole } from "#shared/instances/console.ts";
import { consoleLog } from "#shared/instances/paths.ts";
import { realExec } from "#shared/ports/exec/real.ts";
import { eventually } from "./await.ts";
import { type FakeCloud, fakeCloud, small } from "./fake-cloud.ts";

const BACKUPS = 3;

export interface Scene {
  f: FakeCloud;
  cloud: Cloud;
  uuid: string;
  log: string;
}

export async function openScene(t: TestContext, config: Record<string, string> = {}): Promise<Scene> {
  const f = await fakeCloud({ config });
  t.after(() => f.close());
  const { uuid } = await f.call<{ uuid: string }>("POST", "/instances", small());
  // Holes are made by a program.
  return { f, cloud: { ...f.cloud, exec: realExec }, uuid, log: consoleLog(f.cloud.config, uuid) };
}

/** As virtlogd writes: never more than `most` bytes to a file, and all that is older than three others is gone. */
export function virtlogd(log: string, most: number) {
  let file = openSync(log, "a", 0o600);
  let size = 0;
  const name = (index: number) => (index < 0 ? log : `${log}.${index}`);
  function rotate(): void {
    closeSync(file);
    for (let index = BACKUPS - 2; index >= -1; index--) {
      try {
        renameSync(name(index), name(index + 1));
      } catch {
        // Not that many yet.
      }
    }
    file = openSync(log, "a", 0o600);
    size = 0;
  }
  return {
    write(text: string) {
      if (size + text.length > most) rotate();
      size += writeSync(file, text);
    },
    close: () => closeSync(file),
  };
}

/** What a follower has got so far. */
export function follow(
  t: TestContext,
  { cloud, uuid }: Scene,
  length = 0,
  pause: () => Promise<unknown> = turn,
) {
  const stop = new AbortController();
  const got = { text: "", over: false };
  async function collect(): Promise<void> {
    for await (const chunk of followConsole(cloud, uuid, { length, signal: stop.signal })) {
      got.text += chunk.toString("latin1");
      await pause();
    }
    got.over = true;
  }
  const done = collect();
  t.after(() => {
    stop.abort();
    return done;
  });
  return { got, done, stop: () => stop.abort(), has: (text: string) => awaitText(got, text) };
}

const awaitText = (got: { text: string }, text: string) =>
  eventually(`'${text}' in what was read`, 20_000, () => got.text.includes(text) || undefined);

/** The last `length` bytes, or all that is kept. */
export const readAll = async ({ cloud, uuid }: Scene, length = -1): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of readConsole(cloud, uuid, length)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("latin1");
};

export const line = (count: number): string => `line ${String(count).padStart(7, "0")}\n`;
