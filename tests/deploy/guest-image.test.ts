// What can be shown without building the guest image; that it works is shown by `npm run test:guest`.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const builder = fileURLToPath(new URL("../../deploy/guest-image/build.ts", import.meta.url));

test("guestImage: without its programs, says which is missing and what installs them", () => {
  const env = { ...process.env, PATH: "/nowhere" };
  const options = { encoding: "utf8", timeout: 60_000, env } as const;
  const { status, stderr } = spawnSync(process.execPath, ["--import", "tsx", builder], options);
  assert.equal(status, 1);
  assert.match(stderr, /mmdebstrap is not installed: run deploy\/set-up\.sh --guest, then this again/);
});
