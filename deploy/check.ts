// Checks without running the cloud: format and lint, types, house rules and generated files.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const bin = (name: string) => join(ROOT, "node_modules/.bin", name);
const house = readdirSync(join(ROOT, "tests/house"))
  .filter((file) => file.endsWith(".test.ts"))
  .map((file) => join("tests/house", file));

const checks: readonly [string, string, ...string[]][] = [
  ["format and lint", bin("biome"), "ci", "--error-on-warnings"],
  ["types", bin("tsc")],
  [
    "house rules and generated files",
    process.execPath,
    "--import",
    "tsx",
    "--test",
    "--test-reporter=dot",
    ...house,
  ],
];

const failed = checks.filter(([what, program, ...args]) => {
  const { status } = spawnSync(program, args, { cwd: ROOT, stdio: "inherit" });
  console.log(`${status === 0 ? "ok     " : "FAILED "} ${what}`);
  return status !== 0;
});
process.exitCode = failed.length === 0 ? 0 : 1;
