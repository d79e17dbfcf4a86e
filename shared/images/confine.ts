// Programs on files of strangers: as a user who owns nothing, without network or the node's environment, with bounds on
// memory, processor time and the size of files, and none of their processes left when they end.
import type { Exec } from "../ports/exec/exec.ts";

/** Debian's nobody and nogroup. Not QEMU's user: that one may read the guests' disks. */
export const NOBODY = 65_534;

export interface Bounds {
  readonly memory_bytes: number;
  readonly cpu_s: number;
  /** The largest file that may be written; pipes are not bounded by it. */
  readonly file_bytes: number;
}

const unseen = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--"];
const nobody = [
  "setpriv",
  ...[`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--no-new-privs"],
  ...["--inh-caps=-all", "--bounding-set=-all", "--reset-env", "--"],
];

/** Runs everything in `directory`, whose files are named relatively: the way there need not be open to nobody. */
export function confine(exec: Exec, directory: string, bounds: Bounds): Exec {
  const limits = [
    `--as=${bounds.memory_bytes}`,
    `--cpu=${Math.ceil(bounds.cpu_s)}`,
    `--fsize=${Math.floor(bounds.file_bytes)}`,
    "--core=0",
  ];
  return {
    run: (program, args, options) =>
      exec.run("prlimit", [...limits, "--", ...unseen, ...nobody, program, ...args], {
        ...options,
        directory,
      }),
  };
}

/** What the program itself said, without the names of those that started it. */
export const wordsOf = (error: Error): string => error.message.replace(/^prlimit: /, "");
