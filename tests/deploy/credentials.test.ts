import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import {
  makeKey,
  readCredentials,
  removeCredentials,
  writeCredentials,
} from "../../deploy/lib/credentials.ts";

const credentials = { namespace: "system", key: "k1", apiurl: "http://127.0.0.1:13000" };
let home = "";
let paths = { preferred: "", spare: "" };

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sf-credentials-"));
  paths = { preferred: join(home, ".shakenfist"), spare: join(home, "spare") };
});
afterEach(() => rmSync(home, { recursive: true }));

test("writeCredentials: writes where sf-client looks, for the user alone", async () => {
  const own = await writeCredentials(credentials, paths, undefined);
  assert.equal(own.path, paths.preferred);
  assert.equal(statSync(own.path).mode & 0o777, 0o600);
  assert.deepEqual(JSON.parse(readFileSync(own.path, "utf8")), credentials);
  assert.deepEqual(await readCredentials(own), credentials);
});

test("writeCredentials: replaces a file of ours", async () => {
  const first = await writeCredentials(credentials, paths, undefined);
  const second = await writeCredentials({ ...credentials, key: "k2" }, paths, first);
  assert.equal(second.path, paths.preferred);
  assert.equal((await readCredentials(second))?.key, "k2");
});

test("writeCredentials: leaves somebody else's file alone and uses the spare one", async () => {
  writeFileSync(paths.preferred, "theirs");
  const own = await writeCredentials(credentials, paths, undefined);
  assert.equal(own.path, paths.spare);
  assert.equal(readFileSync(paths.preferred, "utf8"), "theirs");
  assert.equal(await removeCredentials(own), true);
  assert.equal(existsSync(paths.spare), false);
});

test("removeCredentials: a file that was changed since stays", async () => {
  const own = await writeCredentials(credentials, paths, undefined);
  writeFileSync(own.path, "edited");
  assert.equal(await readCredentials(own), undefined);
  assert.equal(await removeCredentials(own), false);
  assert.equal(readFileSync(own.path, "utf8"), "edited");
  assert.equal((await writeCredentials(credentials, paths, own)).path, paths.spare);
});

test("makeKey: 256 bits, another each time", () => {
  assert.equal(Buffer.from(makeKey(), "base64url").length, 32);
  assert.notEqual(makeKey(), makeKey());
});
