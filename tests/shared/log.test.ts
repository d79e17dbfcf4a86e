import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { openLog } from "#shared/log.ts";

const FIELDS = { text: 'a "b" \\ \n grün', count: 1.5, none: null, yes: true };

function open(level: string, bound: Record<string, unknown> = { pid: 7 }) {
  const lines: string[] = [];
  return { lines, log: openLog(level, bound, { write: (line) => void lines.push(line) }) };
}

describe("log", () => {
  it("often: writes the line that info writes", () => {
    for (const bound of [{ pid: 7 }, {}]) {
      const { lines, log } = open("info", bound);
      log.info(FIELDS, "words");
      log.often(FIELDS, "words");
      const [one, other] = lines.map((line) => line.replace(/"time":"[^"]*"/, ""));
      assert.equal(other, one);
      assert.match(lines[1] ?? "", /"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z".*\n$/);
    }
  });

  it("often: is as quiet as info", () => {
    const { lines, log } = open("warn");
    log.often(FIELDS, "words");
    assert.deepEqual(lines, []);
  });

  it("often: hides what is secret in URLs, percent-encoded ones too", () => {
    const { lines, log } = open("info");
    for (const path of ["/images/http://user:pass@host/x?key=1", "/images/http%3a%2f%2fuser%3apass%40host"])
      log.often({ path }, "words");
    assert.equal(lines.length, 2);
    for (const line of lines) assert.doesNotMatch(line, /pass|key=/);
  });
});
