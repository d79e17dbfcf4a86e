// etcd over TLS: who vouches for whom, with an authority of the test's own.
import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { systemClock } from "#shared/clock.ts";
import { isKind } from "#shared/errors.ts";
import { silentLog } from "#shared/log.ts";
import { openEtcd } from "#shared/ports/store/etcd.ts";
import { readTls, type Tls } from "#shared/ports/store/etcd-tls.ts";
import { openStore } from "#shared/ports/store/open.ts";
import { put, type Store } from "#shared/ports/store/store.ts";
import { startEtcd, type TestEtcd } from "../../../support/etcd.ts";

const directory = mkdtempSync(join(tmpdir(), "sf-etcd-tls-"));
const file = (name: string) => join(directory, name);
const certificate = (name: string) => ({ cert: file(`${name}.pem`), key: file(`${name}.key`) });

/** Signed by itself, or by the authority of that name. */
function makeCertificate(name: string, authority?: string): void {
  const { cert, key } = certificate(name);
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const names = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
  const signer = authority === undefined ? undefined : certificate(authority);
  const signed = signer === undefined ? [] : ["-CA", signer.cert, "-CAkey", signer.key];
  const args = ["req", "-x509", ...curve, ...names, ...signed, "-keyout", key, "-out", cert];
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"], timeout: 20_000 });
}

const filesOf = (ca: string, cert = "", key = "") => ({
  ETCD_CA_FILE: ca,
  ETCD_CERT_FILE: cert,
  ETCD_KEY_FILE: key,
});

describe("etcd over TLS", () => {
  let etcd: TestEtcd;
  before(async () => {
    makeCertificate("authority");
    makeCertificate("stranger");
    for (const name of ["etcd", "node"]) makeCertificate(name, "authority");
    etcd = await startEtcd({ ca: file("authority.pem"), ...certificate("etcd") });
  });
  after(async () => {
    await etcd?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const open = (tls: Tls | undefined): Promise<Store> =>
    openStore({
      backend: openEtcd({ hosts: [etcd.host], prefix: "/tls", deadline_ms: 1000, tls }),
      ...{ mirrored: ["thing/"], node: "sf-1", clock: systemClock, log: silentLog },
    });

  const node = () =>
    readTls(filesOf(file("authority.pem"), certificate("node").cert, certificate("node").key));

  it("a node with its certificate: reads, writes, hears of changes, and comes back (fault 11)", async (t) => {
    const [one, other] = [await open(await node()), await open(await node())];
    t.after(() => Promise.all([one.close(), other.close()]));
    await one.commit([put("thing/a", 1)]);
    assert.ok(await other.mirror.until("thing/", () => other.mirror.get("thing/a"), 10_000));
    await etcd.kill();
    await assert.rejects(one.commit([put("thing/a", 2)]), (error) => isKind(error, "unavailable"));
    await etcd.restart();
    const back = () => one.commit([put("thing/a", 3)]).then(() => true);
    for (let attempt = 0; !(await back().catch(() => false)); attempt++) assert.ok(attempt < 30);
    const seen = () => (other.mirror.get<number>("thing/a")?.value === 3 ? true : undefined);
    assert.ok(await other.mirror.until("thing/", seen, 20_000));
  });

  it("without a certificate of the authority, or without TLS: is kept out (fault 11)", async () => {
    const ca = readFileSync(file("authority.pem"));
    const strange = {
      ca,
      cert: readFileSync(certificate("stranger").cert),
      key: readFileSync(certificate("stranger").key),
    };
    for (const tls of [undefined, { ca }, strange])
      await assert.rejects(open(tls), (error) => isKind(error, "unavailable"));
  });

  it("an etcd that another authority vouches for: is not trusted (fault 11)", async () => {
    const wrong = { ...(await node()), ca: readFileSync(file("stranger.pem")) };
    await assert.rejects(open(wrong), (error) => isKind(error, "unavailable"));
  });

  it("readTls: nothing is no TLS; what cannot be used is named", async () => {
    assert.equal(await readTls(filesOf("")), undefined);
    writeFileSync(file("text"), "hello");
    const refused: [ca: string, cert: string, key: string, words: RegExp][] = [
      [file("none"), "", "", /^SHAKENFIST_ETCD_CA_FILE cannot be read: .*none/],
      [file("text"), "", "", /^SHAKENFIST_ETCD_CA_FILE .*text is no PEM file$/],
      [file("authority.pem"), "x", "", /ETCD_KEY_FILE: give both or none$/],
      ["", "x", "y", /is used with SHAKENFIST_ETCD_CA_FILE only$/],
    ];
    for (const [ca, cert, key, message] of refused)
      await assert.rejects(readTls(filesOf(ca, cert, key)), { kind: "malformed", message });
  });
});
