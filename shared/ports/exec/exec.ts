// Running a program to its end, by argument vector, never through a shell.

export interface RunOptions {
  /** Written to the program's standard input, which is then closed; piece by piece as the program takes it. */
  input?: string | Buffer | AsyncIterable<Uint8Array>;
  /**
   * Given what the program writes as it comes; while it is at work the program is held up. The result's `stdout` is empty
   * then. What it rejects with ends the program, and `run` rejects with the same. So does an `input` that fails.
   */
  onOutput?: (chunk: Buffer) => void | Promise<void>;
  /** Run in this directory. */
  directory?: string;
  /** Killed (SIGKILL, the whole process group) when it is over; default 10 000. */
  timeout_ms?: number;
  /** Run inside this named network namespace (`ip netns exec`). */
  namespace?: string;
  /** Exit codes that are answers, not failures; default [0]. */
  accept?: readonly number[];
  signal?: AbortSignal;
}

export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * `run` rejects with CloudError: "unavailable" after a time-out or an abort, "internal" for another exit code or a program
 * that is not installed; the message names the program and the last lines it wrote to stderr, `detail` has its `code` or the
 * `signal` that ended it.
 * Output is cut at 8 MiB a stream.
 */
export interface Exec {
  run(program: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
}
