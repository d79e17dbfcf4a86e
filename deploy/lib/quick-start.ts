// The one-node cloud of this machine as start and stop see it: its parts in the background, its state on disk, and what
// has to be undone if the start fails.
import { readdir, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Config, readConfig } from "#shared/config.ts";
import { messageOf } from "#shared/errors.ts";
import { removeCredentials } from "./credentials.ts";
import { type Daemon, endOf, isAlive, startDaemon, stopDaemon } from "./processes.ts";
import { run } from "./run.ts";
import { type Part, type Places, readState, type State, writeState } from "./state.ts";
import { until } from "./until.ts";

export const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));
export const NODE_PROGRAM = join(CHECKOUT, "dist/node/runtime/main.js");

export class QuickStart {
  readonly places: Places;
  readonly state: State;
  /** False when nothing was there before this start: a failure then leaves nothing. */
  readonly existed: boolean;
  readonly signal: AbortSignal;
  readonly #undo: (() => Promise<unknown>)[] = [];

  private constructor(places: Places, state: State | undefined, signal: AbortSignal) {
    this.places = places;
    this.existed = state !== undefined;
    this.state = state ?? { up: false, processes: {}, ownEtcd: true, settings: {} };
    this.signal = signal;
  }

  static async open(places: Places, signal: AbortSignal): Promise<QuickStart> {
    return new QuickStart(places, await readState(places), signal);
  }

  get config(): Config {
    return readConfig(this.state.settings).config;
  }

  save(): Promise<void> {
    return writeState(this.places, this.state);
  }

  isRunning(part: Part): boolean {
    return isAlive(this.state.processes[part]);
  }

  logOf(part: Part): string {
    return join(this.places.logs, `${part}.log`);
  }

  /** Starts a part and waits until it is ready; it is stopped again if this start fails later. */
  async startPart(part: Part, daemon: Omit<Daemon, "log">, isReady: () => Promise<boolean>): Promise<void> {
    const log = this.logOf(part);
    this.state.processes[part] = await startDaemon({ ...daemon, log });
    this.undoBy(() => this.stopPart(part));
    await this.save();
    await this.await(
      isReady,
      30_000,
      async () => {
        if (this.isRunning(part)) return `${part}: not ready after 30 s; its log is ${log}`;
        return `${part}: ended at its start; the end of ${log}:\n${await endOf(log)}`;
      },
      () => !this.isRunning(part),
    );
  }

  /** Answers false when it was not running. */
  async stopPart(part: Part): Promise<boolean> {
    const stopped = await stopDaemon(this.state.processes[part], 20_000);
    delete this.state.processes[part];
    await this.save();
    return stopped;
  }

  /** The same promise, given up when the user interrupts the start. */
  orInterrupted<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = () => reject(this.signal.reason);
      this.signal.addEventListener("abort", giveUp, { once: true });
      promise.then(resolve, reject).finally(() => this.signal.removeEventListener("abort", giveUp));
    });
  }

  await(
    isSo: () => Promise<boolean>,
    withinMs: number,
    explain: () => string | Promise<string>,
    isHopeless: () => boolean = () => false,
  ): Promise<void> {
    return until(isSo, { withinMs, explain, isHopeless, signal: this.signal });
  }

  /** Runs `sf-node` with a command and the settings of the node. */
  runtime(args: readonly string[], input = ""): Promise<string> {
    return run(NODE_PROGRAM, args, {
      cwd: CHECKOUT,
      env: this.environment(),
      input,
      timeoutMs: 120_000,
    });
  }

  /** This process's environment with the node's settings, and without the client's. */
  environment(): Record<string, string | undefined> {
    const others = Object.entries(process.env).filter(([name]) => !name.startsWith("SHAKENFIST_"));
    return { ...Object.fromEntries(others), ...this.state.settings };
  }

  undoBy(act: () => Promise<unknown>): void {
    this.#undo.unshift(act);
  }

  /** Takes down what this start made, the newest first. Answers with what could not be. */
  async undo(): Promise<string[]> {
    const failures: string[] = [];
    for (const act of this.#undo.splice(0)) await act().catch((error) => failures.push(messageOf(error)));
    return failures;
  }

  /** Removes state, etcd's data and the credentials, as far as they are ours. */
  async forget(): Promise<void> {
    if (this.state.credentials !== undefined) await removeCredentials(this.state.credentials);
    await removeDirectory(this.places.state);
    // Something else in it keeps it.
    await rmdir(dirname(this.places.state)).catch(() => {});
  }
}

/** Removes a directory with all in it; a mount point stays, empty. */
export async function removeDirectory(path: string): Promise<void> {
  const names = await readdir(path).catch(() => []);
  for (const name of names) await rm(join(path, name), { recursive: true, force: true });
  await rm(path, { recursive: true, force: true }).catch((error) => {
    if (error.code !== "EBUSY") throw error;
  });
}
