// Requests that are wrong in some way, made by chance: none of them may do anything.
import fc from "fast-check";
import type { Route } from "../../runtime/scan.ts";
import {
  deep,
  encoder,
  junk,
  keys,
  large,
  noText,
  objects,
  spoilt,
  values,
  words,
} from "./hostile-values.ts";

export interface Hostile {
  method: string;
  /** Any bytes, as latin1. */
  path: string;
  as: string;
  type: string | null;
  /** Lines of the head. */
  more: readonly string[];
  /** latin1. */
  body: string | null;
  chunked: boolean;
  /** Of the body, what is sent before the connection is cut; null for all. */
  cut: number | null;
}

/** Objects that are there, by the variables of paths. */
export type Known = Readonly<Record<string, readonly string[]>>;

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
  "DELETE /instances": spoilt({ confirm: true, namespace: "a" }, fc.constant({ "no such key": 1 })),
  "DELETE /networks": spoilt({ confirm: true, namespace: "a" }, fc.constant({ "no such key": 1 })),
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

/** The large ones are few: they take long to make and to send. */
const anything = fc.oneof(
  { weight: 9, arbitrary: objects },
  { weight: 9, arbitrary: junk },
  { weight: 4, arbitrary: deep },
  { weight: 1, arbitrary: large },
);

const types = fc.constantFrom(
  null,
  null,
  "application/json",
  "text/plain",
  "multipart/form-data; boundary=x",
  "x".repeat(2000),
);
const tokens = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("a", "a", "b", "system", "system") },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.constantFrom("", "Bearer", "Bearer x", "bearer {token}", "Basic eA==", "Bearer {token}x"),
      fc
        .constantFrom("cut", "forged", "unsigned", "foreign", "expired", "keyless")
        .map((it) => `Bearer {token_${it}}`),
      fc.base64String({ maxLength: 60 }).map((it) => `Bearer ${it}.${it}.${it}`),
    ),
  },
);
const pass = (value: string) => [`X-Shakenfist-Pass: ${value}`];
const heads = fc.oneof(
  { weight: 8, arbitrary: fc.constant<string[]>([]) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      pass("{token}"),
      pass("{token_foreign}"),
      pass(" "),
      pass("x".repeat(4000)),
      ["Content-Encoding: gzip"],
      ["Accept: text/html", "X-Request-ID: ../../x"],
      ["X-Forwarded-For: 127.0.0.1", "X-HTTP-Method-Override: DELETE"],
      [`X: ${"\xff".repeat(20_000)}`],
      ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: x"],
    ),
  },
);
const queries = fc.oneof(
  { weight: 8, arbitrary: fc.constant("") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("?", "?confirm=true", "?%zz&&=&__proto__=1", `?${"x".repeat(3000)}`),
  },
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
    "..",
    "%2e%2e",
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

const seldom = fc.integer({ min: 0, max: 9 }).map((it) => it === 0);
const cuts = fc.oneof(
  { weight: 30, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.double({ min: 0, max: 0.99, noNaN: true }) },
);

export function hostileRequests(routes: readonly Route[], known: Known): fc.Arbitrary<Hostile> {
  const route = fc.constantFrom(...routes.filter(({ path }) => path !== "/docs"));
  const taken = new Set(Object.values(known).flat());
  const others = strangers.filter((it) => !taken.has(it));
  const toNothing = route
    .chain(({ method, path }) =>
      fc.tuple(fc.oneof({ weight: 4, arbitrary: fc.constant(method) }, methods), fc.constant(path)),
    )
    .chain(([method, path]) =>
      fc.record({
        method: fc.constant(method),
        path: fc.array(others, { minLength: 3, maxLength: 3 }).map((values) => withVariables(path, values)),
        body: path.includes("[")
          ? fc.option(anything, { freq: 8 })
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
    body: fc.option(anything),
  });
  const asked = fc.oneof(
    { weight: 6, arbitrary: toNothing },
    { weight: 3, arbitrary: toKnown },
    { weight: 1, arbitrary: garbled },
  );
  return fc
    .record({ asked, query: queries, as: tokens, type: types, more: heads, chunked: seldom, cut: cuts })
    .map(({ asked: { body, path, ...rest }, query, cut, ...how }) => ({
      ...rest,
      path: `${path}${query}`,
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
