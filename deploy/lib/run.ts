// Runs one program to its end, by argument vector, with a deadline; its last words are the error.
import { spawn } from "node:child_process";

export interface RunOptions {
  readonly cwd?: string;
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

const OUTPUT_LIMIT = 4 * 1024 * 1024;

/** Its standard output (at most 4 MiB). Rejects with the end of what it said when it fails or overruns. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { cwd, input = "", timeoutMs = 60_000, env = process.env, signal } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...env },
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      signal,
    });
    let out = "";
    let words = "";
    child.stdout.on("data", (chunk) => {
      if (out.length < OUTPUT_LIMIT) out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      words = (words + chunk).slice(-2000);
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.on("error", (cause) => reject(new Error(`${program}: ${cause.message}`, { cause })));
    child.on("close", (code, killed) => {
      if (code === 0) return resolve(out);
      const ending = killed === null ? `exit ${code}` : `ended by ${killed} within ${timeoutMs / 1000} s`;
      const said = (words.trim() || out.trim()).split("\n").slice(-5).join("\n");
      reject(new Error(`${program} ${args[0] ?? ""}: ${said || ending}`));
    });
  });
}
