// Servers that answer wrongly, lead astray, dawdle or break off.

import { body, etag, FILE, other, type Row, rest } from "./bad-row.ts";
import { cut, forever, head, status, whole } from "./bad-server.ts";

const half = body.length / 2;

export const badAnswers: readonly Row[] = [
  { name: "404", says: () => status(404), ends: ["unreachable", /answered 404$/] },
  { name: "410", says: () => status(410), ends: ["unreachable", /answered 410$/] },
  { name: "403 with a page", says: () => whole("<html>", {}, 403), ends: ["unreachable", /answered 403$/] },
  {
    name: "500, then fine",
    says: ({ count }) => (count < 2 ? status(500) : whole(body)),
    ends: body,
    asks: 3,
  },
  {
    name: "500 for ever",
    says: () => status(500),
    ends: ["unreachable", /answered 500 \(tried 4 times\)$/],
    asks: 4,
  },
  {
    name: "429 with Retry-After, then fine",
    says: ({ count }) => (count === 0 ? status(429, { "Retry-After": 7 }) : whole(body)),
    ends: body,
    asks: 2,
  },
  {
    name: "503 with an absurd Retry-After",
    says: () => status(503, { "Retry-After": "99999999999" }),
    ends: ["unreachable", /answered 503 \(tried 4 times\)$/],
    asks: 4,
  },
  { name: "204", says: () => head(204, {}), ends: ["unreachable", /answered 204$/] },
  {
    name: "redirects in a circle",
    says: () => status(302, { Location: FILE }),
    ends: ["unreachable", /more than 5 redirects$/],
    asks: 6,
  },
  {
    name: "redirects to an internal address",
    says: () => status(302, { Location: "http://169.254.169.254/latest/meta-data" }),
    ends: ["malformed", /^169\.254\.169\.254: an internal address.*SHAKENFIST_IMAGE_URL_ALLOW/],
  },
  {
    name: "redirects to an internal address in disguise",
    says: () => status(307, { Location: "//[::ffff:10.0.0.1]/x" }),
    ends: ["malformed", /an internal address/],
  },
  {
    name: "redirects to a file",
    says: () => status(301, { Location: "file:///etc/shadow" }),
    ends: ["malformed", /'file:\/\/\/etc\/shadow': not an http or https URL/],
  },
  {
    name: "redirects to a header of its own making",
    says: () => `HTTP/1.1 302 Said\r\nLocation: /a\0b\r\nContent-Length: 0\r\n\r\n`,
    ends: ["unreachable", /Parse Error/],
  },
  { name: "redirects nowhere", says: () => status(302), ends: ["unreachable", /answered 302$/] },
  {
    name: "redirects to the file",
    says: { [FILE]: () => status(302, { Location: "/else" }), "/else": () => whole(body) },
    ends: body,
  },
  {
    name: "drips",
    says: () => forever(head(200, { "Content-Length": body.length }), 10, 50),
    ends: ["unreachable", /too slow: less than 2000 bytes in 0.4 s \(tried 4 times\)$/],
    asks: 4,
  },
  {
    name: "is silent after the headers",
    says: () => (socket) => void socket.write(head(200, { "Content-Length": body.length })),
    ends: ["unreachable", /nothing arrived for 0.25 s \(tried 4 times\)$/],
    asks: 4,
  },
  { name: "is silent", says: () => () => {}, ends: ["unreachable", /nothing arrived/], asks: 4 },
  {
    name: "closes without a word",
    says: () => (socket) => void socket.destroy(),
    ends: ["unreachable", /cut before the end|socket hang up/],
    asks: 4,
  },
  {
    name: "cuts at 50 % and can go on",
    says: ({ from }) => (from === undefined ? cut(body, half, { ETag: etag }) : rest(from)),
    ends: body,
    asks: 2,
  },
  {
    name: "cuts at 50 % and has no ranges",
    says: ({ count }) => (count === 0 ? cut(body, half, { ETag: etag }) : whole(body, { ETag: etag })),
    ends: body,
    asks: 2,
  },
  {
    name: "cuts at 50 % each time",
    says: ({ from }) => (from === undefined ? cut(body, half, { ETag: etag }) : ""),
    ends: ["unreachable", /(cut before the end|socket hang up) \(tried 4 times\)$/],
    asks: 4,
  },
  {
    name: "cuts, and has another file by then",
    says: ({ from }) =>
      from === undefined ? cut(body, half, { ETag: etag }) : whole(other, { ETag: '"2"' }),
    ends: other,
    asks: 2,
  },
  {
    name: "cuts, and sends the rest of another file under another ETag",
    says: ({ from, count }) => {
      if (from === undefined) return count === 0 ? cut(body, half, { ETag: etag }) : whole(other);
      const range = `bytes ${from}-${body.length - 1}/${body.length}`;
      return whole(body.subarray(from), { ETag: '"2"', "Content-Range": range }, 206);
    },
    ends: other,
    asks: 3,
  },
  {
    name: "cuts, and goes on at another place",
    says: ({ from, count }) => {
      if (from === undefined) return count === 0 ? cut(body, half, { ETag: etag }) : whole(body);
      const range = `bytes ${from - 10}-${body.length - 1}/${body.length}`;
      return whole(body.subarray(from - 10), { ETag: etag, "Content-Range": range }, 206);
    },
    ends: body,
    asks: 3,
  },
  {
    name: "cuts, and the file is shorter by then",
    says: ({ from, count }) => {
      if (from !== undefined) return status(416, { "Content-Range": "bytes */10" });
      return count === 0 ? cut(body, half, { ETag: etag }) : whole(other);
    },
    ends: other,
    asks: 3,
  },
];
