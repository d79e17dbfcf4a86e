// Programs that answer as a test says. A program without an answer succeeds in silence; every run is written down.
import { CloudError, messageOf } from "../../errors.ts";
import type { Exec, RunOptions, RunResult } from "./exec.ts";

export interface RecordedRun {
  program: string;
  args: readonly string[];
  options: RunOptions;
}

/** What a program does: a result (fields left out are empty, exit code 0), or an error to reject with. */
export type Answer = (run: RecordedRun) => Partial<RunResult> | Error | Promise<Partial<RunResult> | Error>;

export interface FakeExec extends Exec {
  /** Every run so far, in order. */
  readonly runs: RecordedRun[];
  /** From now on `program` does this. */
  script(program: string, answer: Answer): void;
}

export function fakeExec(): FakeExec {
  const answers = new Map<string, Answer>();
  const runs: RecordedRun[] = [];
  return {
    runs,
    script: (program, answer) => void answers.set(program, answer),
    async run(program, args, options = {}) {
      const run = { program, args: [...args], options };
      runs.push(run);
      if (options.signal?.aborted)
        throw new CloudError("unavailable", `${program}: stopped before it was done`);
      const answer = await (answers.get(program)?.(run) ?? {});
      if (answer instanceof Error) throw toCloudError(program, answer);
      const { stdout = "", ...rest } = answer;
      if (stdout !== "") await options.onOutput?.(Buffer.from(stdout));
      const result = { code: 0, stderr: "", ...rest, stdout: options.onOutput === undefined ? stdout : "" };
      if ((options.accept ?? [0]).includes(result.code)) return result;
      throw new CloudError("internal", `${program}: ${result.stderr.trim() || `exit code ${result.code}`}`);
    },
  };
}

function toCloudError(program: string, error: Error): CloudError {
  if (error instanceof CloudError) return error;
  return new CloudError("internal", `${program}: ${messageOf(error)}`, { cause: error });
}
