import assert from "node:assert/strict";
import { test } from "node:test";
import { byteRange } from "#shared/byte-range.ts";
import { isKind } from "#shared/errors.ts";

const SIZE = 100;

test("byteRange: one part is that part, cut at the end of the file", () => {
  const parts: Record<string, [number, number]> = {
    "bytes=0-0": [0, 0],
    "bytes=10-19": [10, 19],
    "bytes=10-": [10, 99],
    "bytes=90-1000": [90, 99],
    "bytes=-10": [90, 99],
    "bytes=-1000": [0, 99],
    "Bytes = 5-6 ": [5, 6],
  };
  for (const [header, [first, last]] of Object.entries(parts))
    assert.deepEqual(byteRange(header, SIZE), { first, last }, header);
});

test("byteRange: several parts, other units and nonsense are the whole file", () => {
  const others = [
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=9-5",
    "bytes=1-2,4-5",
    "items=1-2",
    "bytes=a-b",
    "bytes=1.5-",
  ];
  for (const header of [undefined, ...others]) assert.equal(byteRange(header, SIZE), undefined, header);
});

test("byteRange: none of the bytes is unsatisfiable, and says how many there are", () => {
  for (const header of ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"])
    assert.throws(
      () => byteRange(header, SIZE),
      (error) =>
        isKind(error, "unsatisfiable") &&
        JSON.stringify(error.detail.headers) === '{"Content-Range":"bytes */100"}',
      header,
    );
  assert.throws(() => byteRange("bytes=0-", 0));
});
