// Runs every test but those of `npm run test:guest`: first those beside each other that use little, then one by one those
// that run a whole cloud.
// The tests live in hosts of their own (network, mount and PID namespaces): a running cloud is not disturbed.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tinyGuest } from "./tiny-guest/build.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const WHOLE_CLOUD = /^(end-to-end|cluster)\//;
const SLOW = /^guest\//;
const FILE_MS = 15 * 60 * 1000;

const files = readdirSync(join(ROOT, "tests"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".test.ts") && !SLOW.test(file))
  .sort();
if (files.length === 0) throw new Error("no tests found");

await tinyGuest();
const light = runTests(
  "unit and contract tests",
  files.filter((file) => !WHOLE_CLOUD.test(file)),
  2,
);
const heavy = runTests(
  "end-to-end tests",
  files.filter((file) => WHOLE_CLOUD.test(file)),
  1,
);
process.exitCode = light && heavy ? 0 : 1;

/** True when all passed. What is skipped is counted by the runner's last lines. */
function runTests(what: string, some: readonly string[], concurrency: number): boolean {
  console.log(`\n${what}: ${some.length} files`);
  const options = [
    "--test",
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${FILE_MS}`,
    "--test-reporter=spec",
  ];
  const paths = some.map((file) => join("tests", file));
  const { status } = spawnSync(process.execPath, ["--import", "tsx", ...options, ...paths], {
    cwd: ROOT,
    stdio: "inherit",
  });
  return status === 0 && some.length > 0;
}
