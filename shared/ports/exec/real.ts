// Programs of this machine, run for real. Each gets a process group of its own, so that a time-out ends its children too.
import { type ChildProcess, spawn } from "node:child_process";
import type { Writable } from "node:stream";
import { CloudError } from "../../errors.ts";
import type { Exec, RunOptions, RunResult } from "./exec.ts";

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_OUTPUT_BYTES = 8 * 1024 * 1024;
/** A daemon that a program leaves behind may hold its output open: after the exit we read on until it is this long quiet. */
const QUIET_MS = 50;

export const realExec: Exec = {
  async run(program, args, options = {}) {
    const result = await finish(program, start(program, args, options), options);
    if ((options.accept ?? [0]).includes(result.code)) return result;
    throw new CloudError("internal", `${program}: ${lastLines(result) || `exit code ${result.code}`}`, {
      detail: { program, code: result.code },
    });
  },
};

/** nsenter and not `ip netns exec`: that gives a daemon a copy of every mount of the host, which it keeps busy. */
function start(program: string, args: readonly string[], options: RunOptions): ChildProcess {
  const { namespace, directory } = options;
  const [file, ...rest] =
    namespace === undefined
      ? [program, ...args]
      : ["nsenter", `--net=/run/netns/${namespace}`, "--", program, ...args];
  return spawn(file ?? program, rest, {
    detached: true,
    ...(directory === undefined ? {} : { cwd: directory }),
    env: { ...process.env, LC_ALL: "C" },
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
}

function finish(program: string, child: ChildProcess, options: RunOptions): Promise<RunResult> {
  const { onOutput } = options;
  const stdout = collect(onOutput === undefined ? child.stdout : null);
  const stderr = collect(child.stderr);
  const timeoutMs = options.timeout_ms ?? DEFAULT_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    let over = false; // after that another process may have its number
    const end = (error: unknown) => {
      if (over) return;
      release();
      killGroup(child);
      reject(error);
    };
    const stop = (kind: "unavailable" | "internal", fact: string, cause?: unknown) =>
      end(new CloudError(kind, `${program}: ${fact}`, { cause }));
    const timer = setTimeout(() => stop("unavailable", `not done after ${timeoutMs} ms`), timeoutMs);
    const onAbort = () => stop("unavailable", "stopped before it was done", options.signal?.reason);
    const release = () => {
      over = true;
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
    };
    if (options.signal?.aborted) return onAbort();
    options.signal?.addEventListener("abort", onAbort, { once: true });
    child.once("error", (error) => stop("internal", startFailure(error), error));
    const poured = onOutput === undefined ? undefined : pour(child, onOutput);
    poured?.catch(end);
    // Whoever takes the output may be slow: it is not cut off.
    if (poured === undefined)
      child.once("exit", () => closeWhenQuiet(child, () => stdout.size() + stderr.size()));
    child.once("close", async (code, signal) => {
      await poured?.catch(() => {}); // has rejected above
      release();
      if (code !== null) resolve({ code, stdout: stdout.text(), stderr: stderr.text() });
      else
        reject(new CloudError("internal", `${program}: ended by ${signal}`, { detail: { program, signal } }));
    });
    feed(child, options.input).catch(end);
  });
}

async function pour(child: ChildProcess, onOutput: NonNullable<RunOptions["onOutput"]>): Promise<void> {
  for await (const chunk of child.stdout ?? []) await onOutput(chunk as Buffer);
}

/** Rejects only with what the input itself fails with: a program may end without reading all of it. */
async function feed({ stdin }: ChildProcess, input: RunOptions["input"]): Promise<void> {
  if (stdin === null || input === undefined) return;
  stdin.on("error", () => {});
  if (typeof input === "string" || Buffer.isBuffer(input)) return void stdin.end(input);
  for await (const chunk of input) {
    if (!stdin.writable) return;
    if (!stdin.write(chunk)) await roomIn(stdin);
  }
  stdin.end();
}

function roomIn(stdin: Writable): Promise<void> {
  return new Promise((resolve) => {
    const proceed = () => {
      stdin.off("drain", proceed).off("close", proceed);
      resolve();
    };
    stdin.on("drain", proceed).on("close", proceed);
    if (stdin.destroyed) proceed();
  });
}

function startFailure(error: NodeJS.ErrnoException): string {
  return error.code === "ENOENT" ? "is not installed" : `cannot be started: ${error.message}`;
}

interface Output {
  text(): string;
  /** Bytes so far, kept or not. */
  size(): number;
}

/** Keeps the first 8 MiB and reads the rest away, so that the program is never held up. */
function collect(stream: NodeJS.ReadableStream | null): Output {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on("data", (chunk: Buffer) => {
    if (size < MAX_OUTPUT_BYTES) chunks.push(chunk.subarray(0, MAX_OUTPUT_BYTES - size));
    size += chunk.length;
  });
  return { text: () => Buffer.concat(chunks).toString("utf8"), size: () => size };
}

/** Looks twice: a busy event loop may come to the timer before it comes to what is already there to be read. */
function closeWhenQuiet(child: ChildProcess, size: () => number): void {
  let before = -1;
  const timer = setInterval(() => {
    if (size() === before) closeOutput(child);
    before = size();
  }, QUIET_MS);
  child.once("close", () => clearInterval(timer));
}

function closeOutput(child: ChildProcess): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  closeOutput(child);
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Already gone.
  }
}

function lastLines({ stderr, stdout }: RunResult): string {
  const lines = (stderr.trim() || stdout.trim()).split("\n");
  return lines.slice(-5).join("; ").slice(-1000);
}
