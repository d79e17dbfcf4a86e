// Requests that are wrong in some way, made by chance: none of them may do anything.
import fc from "fast-check";
import type { Route } from "../../runtime/scan.ts";

export interface Hostile {
  method: string;
  /** Any bytes, as latin1. */
  path: string;
  as: string;
  type: string | null;
  /** latin1. */
  body: string | null;
  /** Of the body, what is sent before the connection is cut; null for all. */
  cut: number | null;
}

/** Objects that are there, by the variables of paths. */
export type Known = Readonly<Record<string, readonly string[]>>;

const LARGEST = 1024 * 1024;
const encoder = (text: string) => Buffer.from(text).toString("latin1");

const words = fc.oneof(
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
const deep = fc.integer({ min: 1, max: 5000 }).map((depth) => "[".repeat(depth) + "]".repeat(depth));
const values = fc.oneof(words, numbers, fc.boolean(), fc.constant(null), fc.jsonValue({ maxDepth: 3 }));

/** Never text: where any text would be taken. */
const noText = fc.oneof(numbers, fc.constant(null), fc.constant(true), fc.array(values, { maxLength: 5 }));

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
const keys = fc.oneof(
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
const objects = fc
  .array(fc.tuple(keys, values), { maxLength: 6 })
  .map(
    (pairs) =>
      `{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`,
  );

/** A good body made wrong: one field of any value, and always something for which it is refused. */
const spoilt = (good: object, wrong: fc.Arbitrary<object>): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...Object.keys(good), "extra"), values, wrong)
    .map(([field, value, fault]) => JSON.stringify({ ...good, [field]: value, ...fault }));

const guest = {
  name: "x",
  cpus: 1,
  memory: 64,
  disk: [{ size: 1 }],
  network: null,
  video: null,
  ssh_key: "x",
};
const noBlock = fc.oneof(
  noText,
  words.map((word) => `${word}/24`),
  fc.constantFrom("10.0.0.1/24", "::/0", "1.2.3.4/33"),
);
const one = <T>(name: string, value: fc.Arbitrary<T>) => value.map((it) => ({ [name]: it }));
const nowhere = fc.oneof(
  one("placed_on", words),
  one(
    "network",
    words.map((it) => [{ network_uuid: `x${it}` }]),
  ),
);

/** Bodies of calls that would do something if nothing were wrong. */
const bodiesOf: Record<string, fc.Arbitrary<string>> = {
  "POST /instances": spoilt(
    guest,
    nowhere.map((fault) => ({ placed_on: "nosuch", ...fault })),
  ),
  "POST /networks": spoilt({ name: "x", provide_dhcp: false }, one("netblock", noBlock)),
  "POST /images": fc.oneof(
    spoilt({}, one("url", noText)),
    spoilt({ url: "x".repeat(5000) }, fc.constant({ extra: 1 })),
  ),
  "POST /auth": spoilt({ namespace: "a", key: "x" }, fc.constant({})),
  "POST /auth/namespaces": spoilt(
    { key_name: "k", key: "x" },
    one(
      "namespace",
      fc.oneof(
        noText,
        words.map((it) => `/${it}`),
      ),
    ),
  ),
};

const junk = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }).map(encoder),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
  fc.constantFrom("", "null", "{", "[", '"', '{"a":1e999', "\ufeff{}", "{}{}", "true", "[1]", '{"a":1}\0'),
);
const large = fc.constantFrom(-1000, -1, 0, 1, 200_000).map((more) => {
  const shell = '{"name":""}';
  return shell.replace('""', `"${"x".repeat(LARGEST - shell.length + more)}"`);
});

const types = fc.constantFrom(
  null,
  null,
  "application/json",
  "text/plain",
  "multipart/form-data; boundary=x",
  "x".repeat(2000),
);
const tokens = fc.constantFrom(
  "a",
  "a",
  "b",
  "system",
  "system",
  "",
  "Bearer",
  "Bearer x",
  "bearer {token}",
  "Basic eA==",
  "Bearer {token_forged}",
  "Bearer {token_expired}",
);
const methods = fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS");

/** What stands for a variable: nothing that there is. */
const strangers = fc.oneof(
  words.map((it) => encodeURIComponent(Buffer.from(it).toString())),
  fc.constantFrom(
    "nosuch",
    "00000000-0000-4000-8000-000000000000",
    "%zz",
    "%ff",
    "%00",
    "..%2f..",
    "x".repeat(4000),
  ),
  fc.uint8Array({ minLength: 1, maxLength: 20 }).map(legible),
);

/** Bytes that a path may have on the wire. */
function legible(bytes: Uint8Array): string {
  return Buffer.from(
    bytes.map((byte) => (byte <= 0x20 || byte === 0x7f || byte === 0x3f ? 0xff : byte)),
  ).toString("latin1");
}

const cuts = fc.option(fc.double({ min: 0, max: 0.99, noNaN: true }), { freq: 30 });

export function hostileRequests(routes: readonly Route[], known: Known): fc.Arbitrary<Hostile> {
  const route = fc.constantFrom(...routes.filter(({ path }) => path !== "/docs"));
  const toNothing = route.chain(({ method, path }) =>
    fc.record({
      method: fc.oneof({ weight: 4, arbitrary: fc.constant(method) }, methods),
      path: fc.array(strangers, { minLength: 3, maxLength: 3 }).map((others) => withVariables(path, others)),
      body: path.includes("[")
        ? fc.option(fc.oneof(objects, junk, deep, large), { freq: 8 })
        : fc.oneof(bodiesOf[`${method} ${path}`] ?? objects, fc.constant("[1]")),
    }),
  );
  // Known objects, but a body that no call takes.
  const toKnown = route
    .filter(({ path }) => path.includes("["))
    .chain(({ method, path }) =>
      fc.record({
        method: fc.constant(method),
        path: fc
          .constantFrom(...(known[/\[(\w+)\]/.exec(path)?.[1] ?? ""] ?? ["nosuch"]))
          .map((it) => withVariables(path, [it, "x", "x"])),
        body: fc.oneof(
          fc
            .tuple(keys, values, values)
            .map(([key, value, other]) => JSON.stringify({ [key]: value, "no such key": other })),
          fc.constantFrom("[1]", "7", '"x"', "true"),
        ),
      }),
    );
  const garbled = fc.record({
    method: methods.filter((method) => method !== "OPTIONS"),
    path: fc.uint8Array({ maxLength: 60 }).map((bytes) => `/${legible(bytes)}`),
    body: fc.option(fc.oneof(junk, deep, large)),
  });
  const asked = fc.oneof(
    { weight: 6, arbitrary: toNothing },
    { weight: 3, arbitrary: toKnown },
    { weight: 1, arbitrary: garbled },
  );
  return fc
    .record({ asked, as: tokens, type: types, cut: cuts })
    .map(({ asked: { body, ...rest }, cut, ...how }) => ({
      ...rest,
      ...how,
      body: body === null ? null : encodeIfNeeded(body),
      cut: cut === null || body === null || body.length < 2 ? null : Math.floor(body.length * cut),
    }));
}

/** Characters beyond latin1 as UTF-8; bytes stay as they are. */
const encodeIfNeeded = (body: string): string => (/^[\0-\xff]*$/.test(body) ? body : encoder(body));

function withVariables(path: string, values: readonly string[]): string {
  let next = 0;
  return path.replace(/\[\w+\]/g, () => values[next++] ?? "x");
}
