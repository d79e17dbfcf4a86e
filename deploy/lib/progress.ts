// One line a step, with the time since the start: rewritten in place on a terminal, written once in a log.

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Progress {
  /** Runs a step under its title; what it answers with is shown beside it, as `describe` tells. Rejects as the step does. */
  step<T>(
    title: string,
    work: (note: (fact: string) => void) => Promise<T>,
    describe?: (value: T) => string,
  ): Promise<T>;
  say(line: string): void;
}

export function openProgress(output: Output, now: () => number = () => performance.now()): Progress {
  const start = now();
  const line = (mark: string, title: string, fact: string) => {
    const seconds = ((now() - start) / 1000).toFixed(1).padStart(5);
    return `${seconds} s  ${mark} ${title}${fact === "" ? "" : `: ${fact}`}`;
  };
  const show = (text: string) => {
    // A line that wraps could not be rewritten.
    if (output.isTTY) output.write(`\r\x1b[K${text.slice(0, (output.columns ?? 80) - 1)}`);
  };
  const finish = (text: string) => output.write(output.isTTY ? `\r\x1b[K${text}\n` : `${text}\n`);

  return {
    say: finish,
    async step(title, work, describe = String) {
      show(line("…", title, ""));
      try {
        const value = await work((fact) => show(line("…", title, fact)));
        finish(line("✓", title, describe(value)));
        return value;
      } catch (error) {
        finish(line("✗", title, "failed"));
        throw error;
      }
    },
  };
}
