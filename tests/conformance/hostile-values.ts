// What clients should not send: values, JSON text and bytes, made by chance.
import fc from "fast-check";

const LARGEST = 1024 * 1024;
export const encoder = (text: string) => Buffer.from(text).toString("latin1");

export const words = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    "",
    " ",
    "\0",
    "../..",
    "..%2f",
    "%",
    "%zz",
    "%00",
    "a/b",
    "\ud800",
    "__proto__",
    "constructor",
  ),
  fc.constantFrom(
    "toString",
    "null",
    "NaN",
    "-1",
    "1e999",
    "' OR 1=1",
    "$(id)",
    "`id`",
    "<x/>",
    "é".repeat(300),
  ),
  fc.integer({ min: 100, max: 70_000 }).map((length) => "x".repeat(length)),
);
const numbers = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(-1, 0, 0.5, 2 ** 31, 2 ** 53, 1e308, -0));
export const deep = fc.integer({ min: 1, max: 5000 }).map((depth) => "[".repeat(depth) + "]".repeat(depth));
export const values = fc.oneof(
  words,
  numbers,
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Never text: where any text would be taken. */
export const noText = fc.oneof(
  numbers,
  fc.constant(null),
  fc.constant(true),
  fc.array(values, { maxLength: 5 }),
);

const KEYS = [
  "name",
  "disk",
  "network",
  "video",
  "cpus",
  "memory",
  "namespace",
  "key",
  "value",
  "all",
  "confirm",
];
export const keys = fc.oneof(
  fc.constantFrom(
    ...KEYS,
    "netblock",
    "provide_dhcp",
    "ssh_key",
    "user_data",
    "length",
    "url",
    "node",
    "expires",
  ),
  fc.constantFrom("__proto__", "constructor", "hasOwnProperty", "uuid", "instance_ref", "", "\0", "key_name"),
  fc.string({ maxLength: 20 }),
);

/** A JSON object of text, with keys that a literal could not have. */
export const objects = fc
  .array(fc.tuple(keys, values), { maxLength: 6 })
  .map(
    (pairs) =>
      `{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`,
  );

/** A good body made wrong: one field of any value, and always something for which it is refused. */
export const spoilt = (good: object, wrong: fc.Arbitrary<object>): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...Object.keys(good), "extra"), values, wrong)
    .map(([field, value, fault]) => JSON.stringify({ ...good, [field]: value, ...fault }));

export const junk = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }).map(encoder),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
  fc.constantFrom("", "null", "{", "[", '"', '{"a":1e999', "\ufeff{}", "{}{}", "true", "[1]", '{"a":1}\0'),
);
export const large = fc.constantFrom(-1000, -1, 0, 1, 200_000, 8 * LARGEST).map((more) => {
  const shell = '{"name":""}';
  return shell.replace('""', `"${"x".repeat(LARGEST - shell.length + more)}"`);
});
