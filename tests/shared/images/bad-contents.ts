// Servers that lie about lengths, send something else, or are not what they should be.
import type { Checksum } from "#shared/images/checksum.ts";
import { body, FILE, MAX_BYTES, other, type Row, rest, sha } from "./bad-row.ts";
import { forever, head, type Script, status, whole } from "./bad-server.ts";

const zeros = (algorithm: Checksum["algorithm"]): Checksum => ({
  algorithm,
  digest: "0".repeat(sha(algorithm).length),
});
const sums =
  (line: string): Script =>
  () =>
    whole(`${sha("sha256", other)} *other.img\n${line}\n`);
const published = { sums: "required", sum_files: ["SHA256SUMS", "MD5SUMS"] } as const;

export const badContents: readonly Row[] = [
  {
    name: "says a Content-Length that is too large",
    says: () => whole(body, { "Content-Length": body.length + 1 }),
    ends: ["unreachable", /cut before the end/],
    asks: 4,
  },
  {
    name: "says a Content-Length that is too small",
    says: () => whole(body, { "Content-Length": 1000 }),
    source: { checksum: { algorithm: "sha256", digest: sha("sha256") } },
    ends: ["malformed", /its SHA256 is [0-9a-f]{64}, but/],
  },
  {
    name: "says a negative Content-Length",
    says: () => whole(body, { "Content-Length": -1 }),
    ends: ["unreachable", /Parse Error/],
  },
  {
    name: "says two Content-Lengths",
    says: () => `HTTP/1.1 200 Said\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef`,
    ends: ["unreachable", /Parse Error/],
  },
  {
    name: "says no Content-Length",
    says: () => Buffer.concat([Buffer.from(head(200, {})), body]),
    ends: body,
  },
  {
    name: "says a Content-Length over the limit",
    says: () => (socket) => void socket.write(head(200, { "Content-Length": MAX_BYTES + 1 })),
    ends: ["too_large", /larger than 1048576 bytes$/],
  },
  {
    name: "never ends",
    says: () => forever(head(200, {}), 100_000, 5),
    ends: ["too_large", /larger than 1048576 bytes$/],
  },
  { name: "304 unasked", says: () => head(304, {}), ends: ["unreachable", /answered 304$/] },
  { name: "206 unasked", says: () => rest(0), ends: ["unreachable", /answered 206$/] },
  {
    name: "encodes what should be plain",
    says: () => whole(body, { "Content-Encoding": "gzip" }),
    ends: ["unreachable", /in the Content-Encoding gzip, which was not asked for$/],
  },
  { name: "sends nothing", says: () => whole(""), ends: ["unreachable", /an empty file$/] },
  {
    name: "sends a page that says sorry",
    says: () => whole("<!DOCTYPE html><title>Not here</title>".padEnd(5000), { "Content-Type": "text/html" }),
    ends: ["malformed", /./],
  },
  {
    name: "floods with headers",
    says: () => forever(`HTTP/1.1 200 Said\r\nX-Flood: `, 100_000, 1),
    ends: ["unreachable", /headers are too large/],
  },
  { name: "speaks no HTTP", says: () => "SSH-2.0-OpenSSH_9.2\r\n", ends: ["unreachable", /Parse Error/] },
  {
    name: "has another file than the user's SHA-256 says",
    says: () => whole(body),
    source: { checksum: zeros("sha256") },
    ends: ["malformed", /its SHA256 is [0-9a-f]{64}, but the checksum that was given is 0{64}$/],
  },
  {
    name: "has another file than the user's SHA-512 says",
    says: () => whole(body),
    source: { checksum: zeros("sha512") },
    ends: ["malformed", /its SHA512 is [0-9a-f]{128}, but the checksum that was given is 0{128}$/],
  },
  {
    name: "has the file of the user's checksums",
    says: () => whole(body),
    source: { checksum: { algorithm: "sha512", digest: sha("sha512") } },
    ends: body,
  },
  {
    name: "has another file than its own SHA256SUMS says",
    says: { [FILE]: () => whole(body), "/SHA256SUMS": sums(`${"0".repeat(64)}  disk.img`) },
    source: published,
    ends: ["malformed", /its SHA256 is [0-9a-f]{64}, but SHA256SUMS has 0{64}$/],
  },
  {
    name: "has no SHA256SUMS, but MD5SUMS",
    says: { [FILE]: () => whole(body), "/MD5SUMS": sums(`MD5 (disk.img) = ${sha("md5")}`) },
    source: published,
    ends: body,
  },
  {
    name: "has no file of sums, though one is required",
    says: { [FILE]: () => whole(body) },
    source: published,
    ends: ["unreachable", /no checksum of disk\.img in SHA256SUMS, MD5SUMS$/],
  },
  {
    name: "fails with the file of sums, though one is required",
    says: { [FILE]: () => whole(body), "/SHA256SUMS": () => status(500) },
    source: published,
    ends: ["unreachable", /SHA256SUMS: the server answered 500 \(tried 4 times\)$/],
  },
  {
    name: "speaks no TLS",
    says: () => whole(body),
    url: "https",
    ends: ["unreachable", /no TLS is spoken there/],
    asks: 0,
  },
  {
    name: "has a certificate of its own",
    says: {},
    url: "self-signed",
    ends: ["unreachable", /certificate is not trusted/],
    asks: 0,
  },
  {
    name: "has no address",
    says: {},
    url: "http://nosuch..invalid/x",
    ends: ["unreachable", /Name or service not known$/],
    asks: 0,
  },
  {
    name: "is not there",
    says: {},
    url: "http://127.0.0.1:1/x",
    ends: ["unreachable", /Connection refused \(tried 4 times\)$/],
    asks: 0,
  },
];
