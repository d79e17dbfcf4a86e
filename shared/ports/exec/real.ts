// Programs of this machine, run for real. Each gets a process group of its own, so that a time-out ends its children too.
import { type ChildProcess, spawn } from "node:child_process";
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
  const { namespace } = options;
  const [file, ...rest] =
    namespace === undefined
      ? [program, ...args]
      : ["nsenter", `--net=/run/netns/${namespace}`, "--", program, ...args];
  return spawn(file ?? program, rest, {
    detached: true,
    env: { ...process.env, LC_ALL: "C" },
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
}

function finish(program: string, child: ChildProcess, options: RunOptions): Promise<RunResult> {
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const timeoutMs = options.timeout_ms ?? DEFAULT_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const stop = (kind: "unavailable" | "internal", fact: string, cause?: unknown) => {
      release();
      killGroup(child);
      reject(new CloudError(kind, `${program}: ${fact}`, { cause }));
    };
    const timer = setTimeout(() => stop("unavailable", `not done after ${timeoutMs} ms`), timeoutMs);
    const onAbort = () => stop("unavailable", "stopped before it was done", options.signal?.reason);
    const release = () => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
    };
    if (options.signal?.aborted) return onAbort();
    options.signal?.addEventListener("abort", onAbort, { once: true });
    child.once("error", (error) => stop("internal", startFailure(error), error));
    child.once("exit", () => closeWhenQuiet(child, () => stdout.size() + stderr.size()));
    child.once("close", (code, signal) => {
      release();
      if (code !== null) resolve({ code, stdout: stdout.text(), stderr: stderr.text() });
      else reject(new CloudError("internal", `${program}: ended by ${signal}`));
    });
    child.stdin?.on("error", () => {}); // a program may end without reading all of its input
    child.stdin?.end(options.input);
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
