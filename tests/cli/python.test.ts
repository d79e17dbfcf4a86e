import assert from "node:assert/strict";
import { test } from "node:test";
import { compactJson, indentedJson, localTime, pythonText } from "../../cli/python.ts";

process.env.TZ = "Australia/Sydney";

test("pythonText: writes values as print() does", () => {
  const value = { deleted: ["a"], unable: [], it: "it's", ok: true, none: null, number: 1.5 };
  const text = `{'deleted': ['a'], 'unable': [], 'it': "it's", 'ok': True, 'none': None, 'number': 1.5}`;
  assert.equal(pythonText(value), text);
  assert.equal(pythonText("plain 'text'\n"), "plain 'text'\n");
  assert.equal(pythonText(undefined), "None");
});

test("localTime: gives local time with microseconds", () => {
  assert.equal(localTime(1602463847.000001), "2020-10-12 11:50:47.000001");
  assert.equal(localTime(1602463847), "2020-10-12 11:50:47.000000");
});

test("localTime: passes on what is no time", () => {
  assert.equal(localTime(null), "None");
  assert.equal(localTime(1e300), "1e+300");
});

test("indentedJson: sorts keys at every depth and stays in ASCII", () => {
  const text = indentedJson({ b: [{ d: "é\u{1f600}", c: 1 }], a: {} });
  assert.equal(
    text,
    '{\n    "a": {},\n    "b": [\n        {\n            "c": 1,\n            "d": "\\u00e9\\ud83d\\ude00"\n        }\n    ]\n}',
  );
});

test("compactJson: keeps the order and puts spaces where Python does", () => {
  assert.equal(
    compactJson([{ b: "é", a: [1, null, true] }, {}]),
    '[{"b": "\\u00e9", "a": [1, null, true]}, {}]',
  );
});
