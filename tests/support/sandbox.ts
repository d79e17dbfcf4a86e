// Puts a test file into a host of its own: `enterSandbox(import.meta.url)` before anything else in the file.
// Links, namespaces, libvirtd and files that the test makes are unseen outside and gone with it.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const MARK = "SF_TEST_SANDBOX";

/** Runs the calling file again inside and ends this process with its outcome; returns only inside. */
export function enterSandbox(fileUrl: string): void {
  if (process.env[MARK] === "1") return;
  if (process.getuid?.() !== 0)
    throw new Error("this test needs root: it makes network namespaces and runs libvirtd");
  const init = fileURLToPath(new URL("sandbox.sh", import.meta.url));
  const namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const { status, signal } = spawnSync(
    "unshare",
    [...namespaces, init, process.execPath, ...process.execArgv, fileURLToPath(fileUrl)],
    { stdio: "inherit", env: { ...process.env, [MARK]: "1" } },
  );
  if (signal !== null) console.error(`sandbox ended by ${signal}`);
  process.exit(status ?? 1);
}
