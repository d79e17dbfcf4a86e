// virsh, for what the libvirt binding lacks: by argument vector, with a deadline, its messages in English.
import { execFile } from "node:child_process";
import { CloudError } from "../../errors.ts";

/** Its messages are read, so their language is fixed. */
export const VIRSH_ENVIRONMENT = {
  LC_ALL: "C",
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
};

/** virsh tells a lost or refused connection from a refused request only by these words (libvirt 9.0). */
const UNREACHABLE = /failed to connect to the hypervisor|Disconnected from/;

/** What one virsh command prints; rejects with "unavailable" or with virsh's own words as "internal". */
export function virsh(uri: string, args: readonly string[], deadline_ms: number): Promise<string> {
  const options = { env: VIRSH_ENVIRONMENT, timeout: deadline_ms, killSignal: "SIGKILL" } as const;
  return new Promise((resolve, reject) => {
    execFile("virsh", ["-q", "-c", uri, ...args], options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const silent = error.killed === true;
      const words = silent
        ? `no answer to ${args[0]} within ${deadline_ms} ms`
        : wordsOf(stderr) || error.message;
      const kind = silent || UNREACHABLE.test(stderr) ? "unavailable" : "internal";
      reject(new CloudError(kind, `libvirt: ${words}`, { cause: error }));
    });
  });
}

/** What virsh says on stderr, on one line and without its "error: ". */
export function wordsOf(stderr: string): string {
  return stderr
    .split("\n")
    .map((line) => line.replace(/^error: /, "").trim())
    .filter((line) => line !== "")
    .join("; ");
}
