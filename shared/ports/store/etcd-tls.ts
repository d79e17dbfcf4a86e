// What a connection to etcd is secured with: the authority that vouches for its members, and who we are to them.
import { readFile } from "node:fs/promises";
import { CloudError, messageOf } from "../../errors.ts";

export interface Tls {
  ca: Buffer;
  /** Where etcd asks for a client's certificate. */
  cert?: Buffer;
  key?: Buffer;
}

/** Paths of PEM files; empty where there is none. */
export interface TlsFiles {
  ETCD_CA_FILE: string;
  ETCD_CERT_FILE: string;
  ETCD_KEY_FILE: string;
}

/** Undefined where no authority is given: no TLS. Rejects with "malformed", naming the setting. */
export async function readTls(files: TlsFiles): Promise<Tls | undefined> {
  const { ETCD_CA_FILE, ETCD_CERT_FILE, ETCD_KEY_FILE } = files;
  const hasClient = ETCD_CERT_FILE !== "";
  if (hasClient !== (ETCD_KEY_FILE !== ""))
    throw refusal("ETCD_CERT_FILE", "and SHAKENFIST_ETCD_KEY_FILE: give both or none");
  if (ETCD_CA_FILE === "") {
    if (hasClient) throw refusal("ETCD_CERT_FILE", "is used with SHAKENFIST_ETCD_CA_FILE only");
    return undefined;
  }
  const ca = await readPem(files, "ETCD_CA_FILE");
  if (!hasClient) return { ca };
  return { ca, cert: await readPem(files, "ETCD_CERT_FILE"), key: await readPem(files, "ETCD_KEY_FILE") };
}

async function readPem(files: TlsFiles, name: keyof TlsFiles): Promise<Buffer> {
  const found = await readFile(files[name]).catch((error: unknown) => {
    throw refusal(name, `cannot be read: ${messageOf(error)}`);
  });
  if (!found.includes("-----BEGIN ")) throw refusal(name, `${files[name]} is no PEM file`);
  return found;
}

const refusal = (name: keyof TlsFiles, fact: string) =>
  new CloudError("malformed", `SHAKENFIST_${name} ${fact}`);
