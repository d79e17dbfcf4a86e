import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { findCredentials, type Surroundings, type Wanted } from "../../cli/credentials.ts";
import { Refusal } from "../../cli/errors.ts";

let home = "";
let warnings: string[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sf-credentials-"));
  warnings = [];
});
afterEach(() => rmSync(home, { recursive: true }));

function find(wanted: Wanted = {}, env: Surroundings["env"] = {}) {
  const systemFile = join(home, "shakenfist.json");
  return findCredentials(wanted, { env, home, systemFile, warn: (text) => warnings.push(text) });
}

function write(name: string, namespace: string): void {
  writeFileSync(
    join(home, name),
    JSON.stringify({ namespace, key: `${namespace}-key`, apiurl: `http://${namespace}` }),
  );
}

test("findCredentials: takes options before the environment, one by one", () => {
  const env = { SHAKENFIST_NAMESPACE: "env", SHAKENFIST_KEY: "env-key", SHAKENFIST_API_URL: "http://env" };
  assert.deepEqual(find({ namespace: "option" }, env), {
    namespace: "option",
    key: "env-key",
    url: "http://env",
  });
  assert.deepEqual(find({ apiurl: "http://o" }, env), { namespace: "env", key: "env-key", url: "http://o" });
});

test("findCredentials: reads no file when there is a namespace, even without a key", () => {
  write(".shakenfist", "mine");
  assert.deepEqual(find({}, { SHAKENFIST_NAMESPACE: "env" }), {
    namespace: "env",
    key: "",
    url: "http://localhost:13000",
  });
});

test("findCredentials: takes all three from the user's file, then from the system's", () => {
  write("shakenfist.json", "system");
  assert.deepEqual(find(), { namespace: "system", key: "system-key", url: "http://system" });
  write(".shakenfist", "mine");
  assert.deepEqual(find(), { namespace: "mine", key: "mine-key", url: "http://mine" });
  assert.deepEqual(warnings, []);
});

test("findCredentials: says so when a file overrules an option", () => {
  write(".shakenfist", "mine");
  assert.equal(find({ apiurl: "http://elsewhere" }).url, "http://mine");
  assert.match(warnings.join(), /--apiurl is ignored/);
});

test("findCredentials: takes empty variables for absent", () => {
  write(".shakenfist", "mine");
  assert.equal(find({}, { SHAKENFIST_NAMESPACE: "" }).namespace, "mine");
});

test("findCredentials: without any source gives empty ones and the local URL", () => {
  assert.deepEqual(find(), { namespace: "", key: "", url: "http://localhost:13000" });
});

for (const text of ["", "{", "[]", '{"namespace":"a","key":"b"}', '{"namespace":"a","key":1,"apiurl":"u"}']) {
  test(`findCredentials: refuses a file holding ${text || "nothing"}, naming it`, () => {
    writeFileSync(join(home, ".shakenfist"), text);
    assert.throws(
      find,
      (error) => error instanceof Refusal && error.message.includes(join(home, ".shakenfist")),
    );
  });
}
