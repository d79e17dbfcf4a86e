// What a fetch makes of servers that misbehave: each row ends in the right file, or in a reason and no file.
import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { createServer as createTls } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { requireSum } from "#shared/images/checksum.ts";
import { type Downloaded, downloadImage, type Limits } from "#shared/images/download.ts";
import { prepareImage } from "#shared/images/prepare.ts";
import type { Source } from "#shared/images/source.ts";
import { badAnswers } from "./bad-answers.ts";
import { badContents } from "./bad-contents.ts";
import { FILE, MAX_BYTES, type Row, sha } from "./bad-row.ts";
import { type BadServer, openBadServer } from "./bad-server.ts";
import { type ImageBench, openBench } from "./bench.ts";

const limits: Limits = {
  idle_ms: 250,
  slowest: { bytes: 2_000, in_ms: 400 },
  patience: { pauses_ms: [1, 2, 3], longest_pause_ms: 60_000 },
};

describe("bad servers", () => {
  let bench: ImageBench;
  let server: BadServer;
  let tls: ReturnType<typeof createTls>;
  before(async () => {
    bench = await openBench(() => ({ IMAGE_MAX_GIB: MAX_BYTES / 2 ** 30 }));
    server = await openBadServer();
    tls = await openSelfSigned(bench.path("tls"));
  });
  after(async () => {
    await server.close();
    tls.close();
    await bench.close();
  });

  async function run({ says, source, url }: Row, directory: string): Promise<Downloaded> {
    server.say(typeof says === "function" ? { [FILE]: says } : says);
    const address = {
      undefined: server.url + FILE,
      https: server.url.replace("http", "https") + FILE,
      "self-signed": `https://localhost:${(tls.address() as AddressInfo).port}/`,
    }[String(url)];
    const from: Source = { sums: "none", ...source, url: address ?? url ?? "" };
    const signal = new AbortController().signal;
    const file = join(directory, "download");
    const digests = ["md5", "sha256"] as const;
    const downloaded = await downloadImage(bench.tools, from, file, { signal, limits, digests }).catch(
      (error: unknown) => {
        assert.deepEqual(readdirSync(directory), [], "no file is left");
        throw error;
      },
    );
    await requireSum(bench.tools, from, downloaded, { signal, ...limits });
    await prepareImage(bench.tools, directory, { signal, record: () => {}, progress: () => {} });
    return downloaded;
  }

  for (const row of [...badAnswers, ...badContents])
    it(`a server that ${/^\d/.test(row.name) ? `answers ${row.name}` : row.name}: ends as it should`, async (t) => {
      const directory = bench.path("row");
      await mkdir(directory);
      t.after(() => rm(directory, { recursive: true }));
      const work = run(row, directory);
      if (Buffer.isBuffer(row.ends)) {
        const { bytes, digests } = await work;
        const made = { md5: sha("md5", row.ends), sha256: sha("sha256", row.ends) };
        assert.deepEqual([bytes, digests], [row.ends.length, made]);
        t.diagnostic(`${row.name}: fetched, ${bytes} bytes`);
      } else {
        const [kind, words] = row.ends;
        await assert.rejects(work, (error: { kind: string; message: string }) => {
          t.diagnostic(`${row.name}: ${error.kind}, ${error.message}`);
          assert.equal(error.kind, kind, error.message);
          assert.match(error.message, words);
          return true;
        });
      }
      assert.equal(server.heard.filter(({ path }) => path === FILE).length, row.asks ?? 1);
    });
});

async function openSelfSigned(path: string): Promise<ReturnType<typeof createTls>> {
  const files = ["-keyout", `${path}.key`, "-out", `${path}.pem`];
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"];
  execFileSync("openssl", [...request, ...files], { stdio: "ignore", timeout: 60_000 });
  const server = createTls({ key: readFileSync(`${path}.key`), cert: readFileSync(`${path}.pem`) });
  server.listen(0, "localhost");
  await once(server, "listening");
  return server;
}
