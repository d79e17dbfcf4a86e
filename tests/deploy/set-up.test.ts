import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../../deploy/set-up.sh", import.meta.url));
const fakes = mkdtempSync(join(tmpdir(), "sf-set-up-"));
after(() => rmSync(fakes, { recursive: true }));

function setUp(env: Record<string, string> = {}) {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(script, {
    encoding: "utf8",
    env: { ...process.env, ...env },
    timeout: 600_000,
  });
  return { status, stdout, stderr, took_ms: performance.now() - start };
}

/** Puts a program of this name and words before the real ones. */
function withFake(name: string, body: string): Record<string, string> {
  writeFileSync(join(fakes, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return { PATH: `${fakes}:${process.env.PATH}` };
}

before(() => {
  const { status, stderr } = setUp();
  assert.equal(status, 0, stderr);
});

test("set-up.sh: a second run finds nothing to do, in under half a second", () => {
  const { status, stdout, stderr, took_ms } = setUp();
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "set-up: ready\n");
  assert.ok(took_ms < 500, `took ${took_ms} ms`);
});

test("set-up.sh: refuses a user who is not root, and a Node that is too old", () => {
  const user = setUp(withFake("id", "echo 1000"));
  rmSync(join(fakes, "id"));
  assert.equal(user.status, 1);
  assert.match(user.stderr, /needs root.*sudo npm start/);

  const old = setUp(withFake("node", "echo v18.19.0"));
  rmSync(join(fakes, "node"));
  assert.equal(old.status, 1);
  assert.match(old.stderr, /needs Node 20 \(20\.11 or newer\), this is v18\.19\.0/);
});

test("set-up.sh: installs only what is missing, and says what apt said when that fails", () => {
  const missing = `[ "$1" = -W ] && echo "installed cpio" && exit 1`;
  withFake("dpkg-query", missing);
  const env = withFake("apt-get", `echo "E: no network for $*"; exit 100`);
  const { status, stdout, stderr } = setUp(env);
  rmSync(join(fakes, "dpkg-query"));
  rmSync(join(fakes, "apt-get"));
  assert.equal(status, 1);
  assert.match(stdout, /^set-up: installing (?!.*\bcpio\b).*\bsyslinux\b/);
  assert.match(stderr, /no network for .*update.*\n.*apt-get update failed: see above/s);
});
